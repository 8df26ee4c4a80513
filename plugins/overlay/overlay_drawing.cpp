#include "overlay_drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <tuple>

#include "cairo_pointers.h"

namespace fmpn::overlay {
namespace {

constexpr double kPlateOpacity = 0.72;
constexpr double kHaloOpacity = 0.45;
constexpr double kPi = 3.14159265358979;
constexpr float kFeather = 0.06F;  // share of the mask's side over which its rim fades out
constexpr Rgb kText{248, 248, 248};
constexpr Rgb kQuietText{204, 204, 204};

bool same_mask(const std::shared_ptr<const MotionMask>& a, const std::shared_ptr<const MotionMask>& b) {
  if (a == b) return true;
  return a && b && a->side == b->side && a->values == b->values;
}

bool same_points(const std::vector<Point>& a, const std::vector<Point>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Point p, Point q) { return p.x == q.x && p.y == q.y; });
}

void set_colour(cairo_t* cr, Rgb colour, double alpha = 1) {
  cairo_set_source_rgba(cr, colour.r / 255.0, colour.g / 255.0, colour.b / 255.0, alpha);
}

void rounded(cairo_t* cr, double x, double y, double width, double height, double radius) {
  const double r = std::min({radius, width / 2, height / 2});
  cairo_new_sub_path(cr);
  cairo_arc(cr, x + width - r, y + r, r, -kPi / 2, 0);
  cairo_arc(cr, x + width - r, y + height - r, r, 0, kPi / 2);
  cairo_arc(cr, x + r, y + height - r, r, kPi / 2, kPi);
  cairo_arc(cr, x + r, y + r, r, kPi, kPi * 3 / 2);
  cairo_close_path(cr);
}

// The mean of factor × factor blocks, so that a large mask on a small face does not alias.
MotionMask shrunk(const MotionMask& mask, int factor) {
  MotionMask small;
  small.side = mask.side / factor;
  small.values.reserve(static_cast<std::size_t>(small.side) * small.side);
  for (int y = 0; y < small.side; ++y) {
    for (int x = 0; x < small.side; ++x) {
      float sum = 0;
      for (int dy = 0; dy < factor; ++dy) {
        const float* row = mask.values.data() + static_cast<std::ptrdiff_t>(y * factor + dy) * mask.side + x * factor;
        for (int dx = 0; dx < factor; ++dx) sum += row[dx];
      }
      small.values.push_back(sum / static_cast<float>(factor * factor));
    }
  }
  return small;
}

// Value of the mask at (x, y), bilinear; inside the mask only.
float sampled(const MotionMask& mask, float x, float y) {
  const int x0 = std::clamp(static_cast<int>(x), 0, mask.side - 1);
  const int y0 = std::clamp(static_cast<int>(y), 0, mask.side - 1);
  const int x1 = std::min(x0 + 1, mask.side - 1);
  const int y1 = std::min(y0 + 1, mask.side - 1);
  const float fx = std::clamp(x - static_cast<float>(x0), 0.0F, 1.0F);
  const float fy = std::clamp(y - static_cast<float>(y0), 0.0F, 1.0F);
  const float* upper = mask.values.data() + static_cast<std::ptrdiff_t>(y0) * mask.side;
  const float* lower = mask.values.data() + static_cast<std::ptrdiff_t>(y1) * mask.side;
  const float above = upper[x0] + (upper[x1] - upper[x0]) * fx;
  const float below = lower[x0] + (lower[x1] - lower[x0]) * fx;
  return above + (below - above) * fy;
}

std::uint32_t faded(std::uint32_t premultiplied, float share) {
  const auto factor = static_cast<std::uint32_t>(std::lround(share * 256));
  const auto part = [&](int shift) { return ((premultiplied >> shift & 255) * factor >> 8) << shift; };
  return part(24) | part(16) | part(8) | part(0);
}

void draw_mask(const DrawingPlan& plan, const std::array<std::uint32_t, 256>& heat, std::vector<std::uint8_t>& pixels) {
  Affine m = plan.to_mask;
  const int factor = std::max(1, static_cast<int>(std::sqrt(std::abs(m[0] * m[4] - m[1] * m[3]))));
  MotionMask small;
  const MotionMask* mask = plan.mask.get();
  if (factor > 1 && mask->side / factor >= 2) {
    small = shrunk(*mask, factor);
    mask = &small;
    // Pixel centres: mask pixel u lies at (u + 0.5) / factor − 0.5 of the small mask.
    for (double& coefficient : m) coefficient /= factor;
    m[2] += 0.5 / factor - 0.5;
    m[5] += 0.5 / factor - 0.5;
  }
  const auto side = static_cast<float>(mask->side);
  const float feather = std::max(1.0F, kFeather * side);
  for (int y = 0; y < plan.size.height; ++y) {
    std::uint8_t* row = pixels.data() + static_cast<std::ptrdiff_t>(y) * plan.size.width * 4;
    for (int x = 0; x < plan.size.width; ++x) {
      const auto u = static_cast<float>(m[0] * x + m[1] * y + m[2]);
      const auto v = static_cast<float>(m[3] * x + m[4] * y + m[5]);
      const float rim = std::min(std::min(u, side - 1 - u), std::min(v, side - 1 - v)) + 0.5F;
      if (!(rim > 0)) continue;
      const float value = std::clamp(sampled(*mask, u, v), 0.0F, 1.0F);
      std::uint32_t colour = heat[static_cast<std::size_t>(std::lround(value * 255))];
      if (rim < feather) colour = faded(colour, rim / feather);
      std::memcpy(row + static_cast<std::ptrdiff_t>(x) * 4, &colour, sizeof colour);
    }
  }
}

void draw_box(cairo_t* cr, const DrawingPlan& plan) {
  // Lines lie inside the box, so that the box needs no room beyond it at the frame's border.
  const double inset = plan.line_width / 2;
  const double radius = std::min(2 * plan.line_width + 2, std::min(plan.box.width, plan.box.height) / 4.0);
  rounded(cr, plan.box.x + inset, plan.box.y + inset, plan.box.width - 2 * inset, plan.box.height - 2 * inset, radius);
  // A dark halo under the line: the colour shows on bright skin, and on a background of its own colour.
  cairo_set_line_width(cr, plan.line_width + 2);
  cairo_set_source_rgba(cr, 0, 0, 0, kHaloOpacity);
  cairo_stroke_preserve(cr);
  cairo_set_line_width(cr, plan.line_width);
  set_colour(cr, plan.colour);
  cairo_stroke(cr);
}

void draw_points(cairo_t* cr, const DrawingPlan& plan) {
  for (const Point& point : plan.points) {
    // Cairo's (0, 0) is a corner of the first pixel, ours its centre.
    cairo_arc(cr, point.x + 0.5, point.y + 0.5, plan.point_radius, 0, 2 * kPi);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.75);
    cairo_fill(cr);
    cairo_arc(cr, point.x + 0.5, point.y + 0.5, plan.point_radius * 0.62, 0, 2 * kPi);
    set_colour(cr, kText);
    cairo_fill(cr);
  }
}

void draw_plate(cairo_t* cr, const Rect& plate, double radius) {
  rounded(cr, plate.x, plate.y, plate.width, plate.height, radius);
  cairo_set_source_rgba(cr, 0.06, 0.06, 0.08, kPlateOpacity);
  cairo_fill(cr);
}

void draw_label(cairo_t* cr, const DrawingPlan& plan, TextPainter& text) {
  const Rect& plate = plan.label_plate;
  const int padding = plate_padding(plan.label_size);
  const double radius = padding * 0.6;
  text.set_size(plan.label_size);
  cairo_save(cr);
  rounded(cr, plate.x, plate.y, plate.width, plate.height, radius);
  cairo_clip(cr);
  draw_plate(cr, plate, radius);
  // The stripe ties the label to its bar and its box, whatever lies behind it.
  set_colour(cr, plan.colour);
  cairo_rectangle(cr, plate.x, plate.y, padding * 0.7, plate.height);
  cairo_fill(cr);
  cairo_restore(cr);
  const int room = plate.width - 5 * padding / 2;
  const Size line = text.measure(plan.label, room);
  text.draw(cr, plan.label, plate.x + 3 * padding / 2, plate.y + (plate.height - line.height) / 2, room, kText);
}

void draw_bars(cairo_t* cr, const DrawingPlan& plan, TextPainter& text) {
  const Rect& plate = plan.bars_plate;
  const int padding = plate_padding(plan.bars_size);
  text.set_size(plan.bars_size);
  draw_plate(cr, plate, padding * 0.6);
  const int left = plate.x + padding;
  const int bar_x = left + plan.name_width + padding;
  const int bar_height = std::max(3, plan.bars_size * 6 / 10);
  int y = plate.y + (plate.height - plan.row_height * static_cast<int>(plan.bars.size())) / 2;
  for (const Bar& bar : plan.bars) {
    const Size line = text.measure(bar.name, plan.name_width);
    text.draw(cr, bar.name, left, y + (plan.row_height - line.height) / 2, plan.name_width,
              bar.top ? kText : kQuietText);
    const int bar_y = y + (plan.row_height - bar_height) / 2;
    cairo_rectangle(cr, bar_x, bar_y, plan.bar_width, bar_height);
    cairo_set_source_rgba(cr, 1, 1, 1, 0.16);
    cairo_fill(cr);
    cairo_rectangle(cr, bar_x, bar_y, bar.length, bar_height);
    set_colour(cr, bar.colour);
    cairo_fill(cr);
    y += plan.row_height;
  }
}

}  // namespace

bool operator==(const DrawingPlan& a, const DrawingPlan& b) {
  const auto fields = [](const DrawingPlan& p) {
    return std::tie(p.size.width, p.size.height, p.line_width, p.box, p.colour, p.label, p.label_plate, p.label_size,
                    p.bars_plate, p.bars_size, p.name_width, p.bar_width, p.row_height, p.point_radius, p.to_mask);
  };
  const auto same_bar = [](const Bar& x, const Bar& y) {
    return x.length == y.length && x.top == y.top && x.colour == y.colour && x.name == y.name;
  };
  return fields(a) == fields(b) && std::equal(a.bars.begin(), a.bars.end(), b.bars.begin(), b.bars.end(), same_bar) &&
         same_points(a.points, b.points) && same_mask(a.mask, b.mask);
}

int plate_padding(int text_size) { return std::max(3, text_size * 4 / 10); }

std::vector<std::uint8_t> draw(const DrawingPlan& plan, TextPainter& text, const std::array<std::uint32_t, 256>& heat) {
  // Cairo's own stride for ARGB32 is 4 × width, too.
  const int stride = plan.size.width * 4;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stride) * plan.size.height);
  if (plan.mask) draw_mask(plan, heat, pixels);
  const SurfacePtr surface(cairo_image_surface_create_for_data(
      pixels.data(), CAIRO_FORMAT_ARGB32, plan.size.width, plan.size.height, stride));
  const ContextPtr cr(cairo_create(surface.get()));
  if (plan.line_width > 0) draw_box(cr.get(), plan);
  draw_points(cr.get(), plan);
  if (!plan.bars_plate.empty()) draw_bars(cr.get(), plan, text);
  if (!plan.label_plate.empty()) draw_label(cr.get(), plan, text);
  cairo_surface_flush(surface.get());
  return pixels;
}

}  // namespace fmpn::overlay
