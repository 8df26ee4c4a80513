#include "overlay_text.h"

#include <algorithm>
#include <cmath>

namespace fmpn::overlay {
namespace {

constexpr double kPointsToPixels = 96.0 / 72.0;
constexpr std::size_t kMaxMeasured = 1024;
constexpr std::size_t kMaxDrawnBytes = 4 << 20;
constexpr std::size_t kMaxBytes = 256;  // a label of a foreign element may be anything

std::string cleaned(const std::string& text) {
  if (text.size() <= kMaxBytes && g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr)) return text;
  gchar* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(std::min(text.size(), kMaxBytes)));
  std::string result(valid);
  g_free(valid);
  return result;
}

}  // namespace

void TextPainter::Unref::operator()(void* object) const { g_object_unref(object); }

TextPainter::TextPainter(const std::string& font_desc) : font_(pango_font_description_from_string(font_desc.c_str())) {
  const std::unique_ptr<PangoFontMap, Unref> fonts(pango_cairo_font_map_new());
  context_.reset(pango_font_map_create_context(fonts.get()));
  // Sub-pixel colours would show as fringes once the picture is blended over video.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
  pango_cairo_context_set_font_options(context_.get(), options);
  cairo_font_options_destroy(options);
  layout_.reset(pango_layout_new(context_.get()));
  pango_layout_set_single_paragraph_mode(layout_.get(), TRUE);
  pango_layout_set_ellipsize(layout_.get(), PANGO_ELLIPSIZE_END);

  const int size = pango_font_description_get_size(font_.get());
  if (size > 0) {
    const bool in_pixels = pango_font_description_get_size_is_absolute(font_.get());
    const double pixels = static_cast<double>(size) / PANGO_SCALE * (in_pixels ? 1 : kPointsToPixels);
    fixed_size_ = static_cast<int>(std::lround(std::clamp(pixels, 4.0, 400.0)));
  }
}

void TextPainter::set_size(int pixels) {
  const int size = fixed_size_ > 0 ? fixed_size_ : pixels;
  if (size == size_) return;
  size_ = size;
  pango_font_description_set_absolute_size(font_.get(), size * PANGO_SCALE);
  pango_layout_set_font_description(layout_.get(), font_.get());
}

void TextPainter::set_text(const std::string& text, int max_width) {
  const std::string clean = cleaned(text);
  pango_layout_set_text(layout_.get(), clean.data(), static_cast<int>(clean.size()));
  pango_layout_set_width(layout_.get(), max_width * PANGO_SCALE);
}

Size TextPainter::measure(const std::string& text, int max_width) {
  const auto key = std::make_pair(size_, text);
  auto found = measured_.find(key);
  if (found == measured_.end()) {
    set_text(text, -1);
    Size size;
    pango_layout_get_pixel_size(layout_.get(), &size.width, &size.height);
    if (measured_.size() >= kMaxMeasured) measured_.clear();
    found = measured_.emplace(key, size).first;
  }
  return {std::min(found->second.width, max_width), found->second.height};
}

TextPainter::Drawn TextPainter::drawn(const std::string& text, int max_width, Rgb colour) {
  set_text(text, max_width);
  PangoRectangle ink;
  pango_layout_get_pixel_extents(layout_.get(), &ink, nullptr);
  Drawn result{nullptr, ink.x - 1, ink.y - 1};  // a pixel more on each side, for what hinting moves
  result.picture.reset(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, ink.width + 2, ink.height + 2));
  const ContextPtr cr(cairo_create(result.picture.get()));
  cairo_set_source_rgb(cr.get(), colour.r / 255.0, colour.g / 255.0, colour.b / 255.0);
  cairo_move_to(cr.get(), -result.x, -result.y);
  pango_cairo_show_layout(cr.get(), layout_.get());
  return result;
}

void TextPainter::draw(cairo_t* cr, const std::string& text, int x, int y, int max_width, Rgb colour) {
  const auto rgb = static_cast<std::uint32_t>(colour.r << 16 | colour.g << 8 | colour.b);
  const auto key = std::make_tuple(size_, text, max_width, rgb);
  auto found = drawn_.find(key);
  if (found == drawn_.end()) {
    if (drawn_bytes_ > kMaxDrawnBytes) drawn_.clear(), drawn_bytes_ = 0;
    found = drawn_.emplace(key, drawn(text, max_width, colour)).first;
    cairo_surface_t* picture = found->second.picture.get();
    drawn_bytes_ += static_cast<std::size_t>(cairo_image_surface_get_stride(picture)) *
                    static_cast<std::size_t>(cairo_image_surface_get_height(picture));
  }
  const Drawn& line = found->second;
  cairo_set_source_surface(cr, line.picture.get(), x + line.x, y + line.y);
  cairo_paint(cr);
}

}  // namespace fmpn::overlay
