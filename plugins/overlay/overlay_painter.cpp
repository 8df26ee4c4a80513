#include "overlay_painter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "common/square_in_frame.h"
#include "overlay_drawing.h"
#include "overlay_text.h"

namespace fmpn::overlay {
namespace {

// Text grows with the face between these bounds: readable on the smallest face, not shouting on the largest.
constexpr double kSmallestText = 11;
constexpr double kLargestText = 28;
constexpr int kSmallestBarsText = 9;

bool finite(const Box& box) {
  return std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) && std::isfinite(box.height);
}

bool finite(const Affine& m) {
  return std::all_of(m.begin(), m.end(), [](double value) { return std::isfinite(value); });
}

// On whole pixels, and no farther out than a frame's size: an element may have written any number.
Rect to_pixels(const Box& box, Size frame) {
  const auto clamped = [](double value, int size) {
    return static_cast<int>(std::lround(std::clamp(value, -1.0 * size, 2.0 * size)));
  };
  const int x = clamped(box.x, frame.width);
  const int y = clamped(box.y, frame.height);
  // Size apart from place, so that a face that only moves keeps its size on whole pixels.
  const int width = static_cast<int>(std::lround(std::clamp(box.width, 0.0F, 3.0F * frame.width)));
  const int height = static_cast<int>(std::lround(std::clamp(box.height, 0.0F, 3.0F * frame.height)));
  return {x, y, width, height};
}

double face_size(const Rect& box) { return std::sqrt(static_cast<double>(box.width) * box.height); }

int text_size(double face) {
  return static_cast<int>(std::lround(std::clamp(8 + 0.036 * face, kSmallestText, kLargestText)));
}

double line_width(double face) { return std::clamp(1.2 + 0.005 * face, 1.5, 4.0); }

double quarter(double value) { return std::round(value * 4) / 4; }

// Where the mask's square lies in the frame; empty for a warp that cannot be inverted.
Rect mask_bounds(const Affine& to_mask, int side, Size frame) {
  const auto [left, top, right, bottom] = gst::square_in_frame(to_mask, -0.5, side - 0.5);
  if (!(right > left)) return {};
  const int x = static_cast<int>(std::floor(std::clamp(left, -1.0, frame.width + 1.0)));
  const int y = static_cast<int>(std::floor(std::clamp(top, -1.0, frame.height + 1.0)));
  return {x, y, static_cast<int>(std::ceil(std::clamp(right, -1.0, frame.width + 1.0))) + 1 - x,
          static_cast<int>(std::ceil(std::clamp(bottom, -1.0, frame.height + 1.0))) + 1 - y};
}

std::string label_text(const FaceExpression& expression) {
  if (expression.uncertain) return "uncertain";
  if (!std::isfinite(expression.confidence)) return expression.label;
  const double share = std::clamp(expression.confidence, 0.0, 1.0);
  return expression.label + " " + std::to_string(std::lround(share * 100)) + " %";
}

std::array<std::uint32_t, 256> heat_of(const PainterSettings& settings) { return heat_map(std::clamp(settings.mask_opacity, 0.0, 1.0)); }

double usable(double share) { return std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0; }

}  // namespace

bool operator==(const PainterSettings& a, const PainterSettings& b) {
  const auto fields = [](const PainterSettings& s) {
    return std::tie(s.font_desc, s.line_width, s.palette, s.show_box, s.show_label, s.show_bars, s.show_landmarks,
                    s.show_mask, s.mask_opacity);
  };
  return fields(a) == fields(b);
}

struct OverlayPainter::State {
  struct Cached {
    DrawingPlan plan;
    OverlayPicture picture;
    int spot = -1;
    bool used = false;
  };

  explicit State(const PainterSettings& wanted)
      : settings(wanted), text(wanted.font_desc), heat(heat_of(wanted)) {}

  void plan_label(const OverlayFace& face, double size, Size frame, DrawingPlan& plan);
  void plan_bars(const FaceExpression& expression, double size, Size frame, DrawingPlan& plan);
  Rect plan_points_and_mask(const OverlayFace& face, double size, Size frame, DrawingPlan& plan);
  static void move_to_picture(const Rect& picture, DrawingPlan& plan);

  PainterSettings settings;
  TextPainter text;
  std::array<std::uint32_t, 256> heat;
  std::map<int, Cached> cache;
  std::vector<Rect> placed;  ///< plates of this frame's faces so far
  std::uint64_t next_serial = 1;
};

// Sets the plate's size; its place comes later.
void OverlayPainter::State::plan_label(const OverlayFace& face, double size, Size frame, DrawingPlan& plan) {
  if (!settings.show_label || !face.expression) return;
  plan.label = label_text(*face.expression);
  text.set_size(text_size(size));
  plan.label_size = text.fixed_size() > 0 ? text.fixed_size() : text_size(size);
  const int padding = plate_padding(plan.label_size);
  const Size line = text.measure(plan.label, std::max(1, frame.width - 5 * padding / 2));
  plan.label_plate = {0, 0, line.width + 5 * padding / 2, line.height + padding / 2};
}

void OverlayPainter::State::plan_bars(const FaceExpression& expression, double size, Size frame, DrawingPlan& plan) {
  const auto& distribution = expression.distribution;
  if (!settings.show_bars || distribution.empty()) return;
  int pixels = std::max(kSmallestBarsText, static_cast<int>(std::lround(0.82 * text_size(size))));
  int padding = 0;
  // Smaller text where the whole distribution would be higher than the frame.
  for (;; --pixels) {
    text.set_size(pixels);
    padding = plate_padding(pixels);
    plan.row_height = std::max(text.measure(distribution.front().first, frame.width).height, pixels * 13 / 10);
    const int height = plan.row_height * static_cast<int>(distribution.size()) + padding;
    if (height <= frame.height || pixels <= kSmallestBarsText || text.fixed_size() > 0) break;
  }
  plan.bars_size = text.fixed_size() > 0 ? text.fixed_size() : pixels;
  padding = plate_padding(plan.bars_size);

  // A model of very many classes: the most probable ones, still in the model's order.
  std::vector<std::size_t> shown(distribution.size());
  for (std::size_t i = 0; i < shown.size(); ++i) shown[i] = i;
  const auto more_probable = [&](std::size_t a, std::size_t b) {
    return usable(distribution[a].second) > usable(distribution[b].second);
  };
  const std::size_t top = *std::min_element(shown.begin(), shown.end(), more_probable);
  const auto room = static_cast<std::size_t>(std::max(0, (frame.height - padding) / std::max(1, plan.row_height)));
  if (room < shown.size()) {
    std::stable_sort(shown.begin(), shown.end(), more_probable);
    shown.resize(room);
    std::sort(shown.begin(), shown.end());
  }
  if (shown.empty()) return;

  for (const std::size_t i : shown) {
    plan.name_width = std::max(plan.name_width, text.measure(distribution[i].first, 10 * plan.bars_size).width);
  }
  plan.bar_width = 5 * plan.bars_size;
  for (const std::size_t i : shown) {
    const auto& [name, share] = distribution[i];
    plan.bars.push_back({name, static_cast<int>(std::lround(usable(share) * plan.bar_width)),
                         expression_colour(settings.palette, name), i == top});
  }
  plan.bars_plate = {0, 0, plan.name_width + plan.bar_width + 3 * padding,
                     plan.row_height * static_cast<int>(shown.size()) + padding};
  if (plan.bars_plate.width > frame.width) plan.bars_plate = {};
}

// In the frame's coordinates for now; returns what they cover.
Rect OverlayPainter::State::plan_points_and_mask(const OverlayFace& face, double size, Size frame, DrawingPlan& plan) {
  Rect covered;
  if (settings.show_landmarks && face.landmarks) {
    plan.point_radius = quarter(std::clamp(0.014 * size, 2.0, 6.0));
    const int reach = static_cast<int>(std::ceil(plan.point_radius)) + 1;
    for (const Point& point : *face.landmarks) {
      if (!(std::abs(point.x) < 1e6F && std::abs(point.y) < 1e6F)) continue;
      plan.points.push_back(point);
      const Rect dot{static_cast<int>(std::floor(point.x)) - reach, static_cast<int>(std::floor(point.y)) - reach,
                     2 * reach + 2, 2 * reach + 2};
      covered = united(covered, dot);
    }
  }
  const bool has_mask = face.mask && face.mask->side > 1 && face.crop_side > 0 && finite(face.warp) &&
                        face.mask->values.size() == static_cast<std::size_t>(face.mask->side) * face.mask->side;
  if (settings.show_mask && settings.mask_opacity > 0 && has_mask) {
    plan.to_mask = mask_warp(face.warp, face.crop_side, face.mask->side);
    const Rect bounds = mask_bounds(plan.to_mask, face.mask->side, frame);
    if (!bounds.empty()) plan.mask = face.mask;
    covered = united(covered, bounds);
  }
  if (!plan.mask) plan.to_mask = {};
  return covered;
}

// Coordinates of the frame become the picture's, rounded to what the eye can tell, so that a face that keeps still is
// not drawn again for the noise of its landmarks.
void OverlayPainter::State::move_to_picture(const Rect& picture, DrawingPlan& plan) {
  plan.size = {picture.width, picture.height};
  for (Rect* rect : {&plan.box, &plan.label_plate, &plan.bars_plate}) {
    if (rect->empty()) continue;
    rect->x -= picture.x;
    rect->y -= picture.y;
  }
  for (Point& point : plan.points) {
    point.x = static_cast<float>(quarter(point.x - static_cast<float>(picture.x)));
    point.y = static_cast<float>(quarter(point.y - static_cast<float>(picture.y)));
  }
  if (!plan.mask) return;
  Affine& m = plan.to_mask;
  m[2] = quarter(m[0] * picture.x + m[1] * picture.y + m[2]);
  m[5] = quarter(m[3] * picture.x + m[4] * picture.y + m[5]);
  for (const std::size_t i : {0U, 1U, 3U, 4U}) m[i] = std::round(m[i] * 2048) / 2048;
}

OverlayPainter::OverlayPainter(const PainterSettings& settings) : state_(std::make_unique<State>(settings)) {}
OverlayPainter::~OverlayPainter() = default;
OverlayPainter::OverlayPainter(OverlayPainter&&) noexcept = default;
OverlayPainter& OverlayPainter::operator=(OverlayPainter&&) noexcept = default;

void OverlayPainter::set(const PainterSettings& settings) {
  State& s = *state_;
  if (s.settings == settings) return;
  if (s.settings.font_desc != settings.font_desc) s.text = TextPainter(settings.font_desc);
  s.settings = settings;
  s.heat = heat_of(settings);
  for (auto& [id, cached] : s.cache) cached.picture.pixels = nullptr;
}

std::optional<OverlayPicture> OverlayPainter::paint(const OverlayFace& face, Size frame,
                                                    const std::vector<Box>& others) {
  const PainterSettings& settings = state_->settings;
  if (!finite(face.box) || frame.width <= 0 || frame.height <= 0) return std::nullopt;
  const Rect whole{0, 0, frame.width, frame.height};
  const Rect box = to_pixels(face.box, frame);
  if (box.empty() || intersection(box, whole).empty()) return std::nullopt;
  const double size = face_size(box);

  DrawingPlan plan;
  Rect covered = state_->plan_points_and_mask(face, size, frame, plan);
  if (settings.show_box) {
    plan.line_width = settings.line_width > 0 ? settings.line_width : quarter(line_width(size));
    plan.box = box;
    covered = united(covered, {box.x - 1, box.y - 1, box.width + 2, box.height + 2});  // the halo
  }
  plan.colour = kUnknownColour;
  if (face.expression) {
    plan.colour =
        face.expression->uncertain ? kUncertainColour : expression_colour(settings.palette, face.expression->label);
    state_->plan_label(face, size, frame, plan);
    state_->plan_bars(*face.expression, size, frame, plan);
  }

  auto& cached = state_->cache[face.id];
  LayoutRequest request;
  request.frame = frame;
  request.face = box;
  request.label = {plan.label_plate.width, plan.label_plate.height};
  request.panel = {plan.bars_plate.width, plan.bars_plate.height};
  request.gap = std::max(2, plan.label_size / 5);
  request.previous_spot = cached.spot;
  for (const Box& other : others) {
    if (!finite(other)) continue;
    // With the label that will stand above it.
    const Rect taken = to_pixels(other, frame);
    const int above = request.label.height + request.gap;
    request.avoid.push_back({taken.x, taken.y - above, taken.width, taken.height + above});
  }
  request.avoid.insert(request.avoid.end(), state_->placed.begin(), state_->placed.end());
  const Layout layout = place(request);
  cached.spot = layout.spot;
  cached.used = true;
  state_->placed.push_back(layout.label);
  state_->placed.push_back(layout.panel);
  plan.label_plate = layout.label;
  plan.bars_plate = layout.panel;
  covered = united(united(covered, layout.label), layout.panel);

  const Rect picture = intersection(covered, whole);
  if (covered.empty() || picture.empty()) return std::nullopt;
  State::move_to_picture(picture, plan);
  if (!cached.picture.pixels || !(plan == cached.plan)) {
    auto pixels = draw(plan, state_->text, state_->heat);
    cached.picture.pixels = std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels));
    cached.picture.serial = state_->next_serial++;
    cached.plan = std::move(plan);
  }
  cached.picture.x = picture.x;
  cached.picture.y = picture.y;
  cached.picture.width = picture.width;
  cached.picture.height = picture.height;
  return cached.picture;
}

void OverlayPainter::end_frame() {
  state_->placed.clear();
  for (auto it = state_->cache.begin(); it != state_->cache.end();) {
    if (!it->second.used) {
      it = state_->cache.erase(it);
    } else {
      it->second.used = false;
      ++it;
    }
  }
}

}  // namespace fmpn::overlay
