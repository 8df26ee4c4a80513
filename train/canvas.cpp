#include "canvas.h"

#include <algorithm>
#include <array>

#include <cairo.h>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "files/json_text.h"

namespace fmpn::train {

struct Canvas::State {
  cairo_surface_t* surface = nullptr;
  cairo_t* cairo = nullptr;
  State(int width, int height)
      : surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width * kScale, height * kScale)), cairo(cairo_create(surface)) {
    if (cairo_status(cairo) != CAIRO_STATUS_SUCCESS)
      throw Error(ErrorCode::kRuntime, "a picture of " + std::to_string(width) + "×" + std::to_string(height) +
                                           " points cannot be drawn (" + cairo_status_to_string(cairo_status(cairo)) + ")");
    cairo_scale(cairo, kScale, kScale);
  }
  ~State() {
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void colour(Colour c) { cairo_set_source_rgb(cairo, c.red, c.green, c.blue); }
  void font(double size, bool bold) {
    cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
  }
};

Colour series_colour(std::size_t index) {
  constexpr std::array<Colour, 8> kHues{Colour{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
                                        {0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.35, 0.35, 0.35}, {0.75, 0.70, 0.10}};
  return kHues[index % kHues.size()];
}

Colour shade(double value) {
  const double v = std::clamp(value, 0.0, 1.0);
  return {1 - 0.94 * v, 1 - 0.68 * v, 1 - 0.42 * v};
}

Canvas::Canvas(int width, int height) : state_(std::make_unique<State>(width, height)), width_(width), height_(height) {
  fill(0, 0, width, height, kWhite);
}
Canvas::~Canvas() = default;

void Canvas::fill(double x, double y, double w, double h, Colour colour) {
  state_->colour(colour);
  cairo_rectangle(state_->cairo, x, y, w, h);
  cairo_fill(state_->cairo);
}

void Canvas::line(double x0, double y0, double x1, double y1, Colour colour, double thickness) {
  polyline({{x0, y0}, {x1, y1}}, colour, thickness);
}

void Canvas::polyline(const std::vector<std::pair<double, double>>& points, Colour colour, double thickness) {
  state_->colour(colour);
  cairo_set_line_width(state_->cairo, thickness);
  cairo_set_line_join(state_->cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_new_path(state_->cairo);
  for (const auto& [x, y] : points) cairo_line_to(state_->cairo, x, y);
  cairo_stroke(state_->cairo);
}

void Canvas::disc(double x, double y, double radius, Colour colour) {
  state_->colour(colour);
  cairo_new_path(state_->cairo);
  cairo_arc(state_->cairo, x, y, radius, 0, 6.2831853);
  cairo_fill(state_->cairo);
}

// Cairo draws nothing more after a text that is not UTF-8, as a file's name may be.
double Canvas::text_width(const std::string& text, double size, bool bold) const {
  state_->font(size, bold);
  cairo_text_extents_t extents;
  cairo_text_extents(state_->cairo, utf8_text(text).c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(double x, double y, const std::string& text, double size, Colour colour, Anchor anchor, bool bold) {
  const double width = text_width(text, size, bold);
  state_->colour(colour);
  const double left = anchor == Anchor::kLeft ? x : anchor == Anchor::kCentre ? x - width / 2 : x - width;
  cairo_move_to(state_->cairo, left, y + size * 0.36);  // from the middle of capitals to their foot
  cairo_show_text(state_->cairo, utf8_text(text).c_str());
}

std::string Canvas::fitted(const std::string& text, double size, double room) const {
  if (text_width(text, size) <= room) return text;
  // Whole UTF-8 characters are taken out: a byte 10xxxxxx goes on with the one before.
  const auto starts = [&](std::size_t i) { return i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80; };
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    std::size_t first = (text.size() - cut) / 2, last = first + cut;
    while (first > 0 && !starts(first)) --first;
    while (last < text.size() && !starts(last)) ++last;
    const std::string shorter = text.substr(0, first) + "…" + text.substr(last);
    if (text_width(shorter, size) <= room) return shorter;
  }
  return "…";
}

void Canvas::picture(double x, double y, double w, double h, const ImageView& image) {
  cv::Mat rgb = as_mat(image);
  if (rgb.channels() == 1) cv::cvtColor(rgb, rgb, cv::COLOR_GRAY2RGB);
  const cv::Size pixels(std::max(1, cvRound(w * kScale)), std::max(1, cvRound(h * kScale)));
  const bool smaller = pixels.width < rgb.cols, much_larger = pixels.width >= 4 * rgb.cols;
  cv::Mat scaled, bgra;
  cv::resize(rgb, scaled, pixels, 0, 0, smaller ? cv::INTER_AREA : much_larger ? cv::INTER_NEAREST : cv::INTER_CUBIC);
  cv::cvtColor(scaled, bgra, cv::COLOR_RGB2BGRA);  // cairo's RGB24 in memory, little-endian
  cairo_surface_t* source =
      cairo_image_surface_create_for_data(bgra.data, CAIRO_FORMAT_RGB24, bgra.cols, bgra.rows, static_cast<int>(bgra.step));
  cairo_save(state_->cairo);
  cairo_translate(state_->cairo, x, y);
  cairo_scale(state_->cairo, 1.0 / kScale, 1.0 / kScale);
  cairo_set_source_surface(state_->cairo, source, 0, 0);
  cairo_paint(state_->cairo);
  cairo_restore(state_->cairo);
  cairo_surface_destroy(source);
}

Image Canvas::image() const {
  cairo_surface_flush(state_->surface);
  const cv::Mat bgra(cairo_image_surface_get_height(state_->surface), cairo_image_surface_get_width(state_->surface), CV_8UC4,
                     cairo_image_surface_get_data(state_->surface),
                     static_cast<std::size_t>(cairo_image_surface_get_stride(state_->surface)));
  cv::Mat rgb;
  cv::cvtColor(bgra, rgb, cv::COLOR_BGRA2RGB);
  return to_image(rgb);
}

}  // namespace fmpn::train
