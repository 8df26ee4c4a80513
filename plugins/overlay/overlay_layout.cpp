#include "overlay_layout.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fmpn::overlay {
namespace {

// What a worse place costs, in shares of the panel's area that covers something.
constexpr double kStepCost = 0.04;
constexpr double kOverFaceCost = 1;
constexpr double kStayBonus = 0.3;

struct Spot {
  Rect rect;
  double cost = 0;
};

int clamped(int value, int low, int high) { return std::max(low, std::min(value, high)); }

double shared_part(const Rect& a, const Rect& b) {
  const Rect common = intersection(a, b);
  if (common.empty() || a.empty()) return 0;
  return static_cast<double>(common.width) * common.height / (static_cast<double>(a.width) * a.height);
}

Rect place_label(const LayoutRequest& request) {
  const Size& frame = request.frame;
  Rect label{0, 0, request.label.width, request.label.height};
  if (label.empty()) return {};
  label.x = clamped(request.face.x, 0, frame.width - label.width);
  const int above = request.face.y - request.gap - label.height;
  const int below = request.face.bottom() + request.gap;
  if (above >= 0) {
    label.y = above;
  } else if (below + label.height <= frame.height) {
    label.y = below;
  } else {
    label.y = std::max(request.face.y, 0) + request.gap;
  }
  label.y = clamped(label.y, 0, frame.height - label.height);
  return label;
}

// Eyes to mouth: what the viewer wants to see of a face.
Rect core_of(const Rect& face) {
  return {face.x + face.width / 5, face.y + face.height / 5, face.width * 3 / 5, face.height * 7 / 10};
}

}  // namespace

Rect intersection(const Rect& a, const Rect& b) {
  const int x = std::max(a.x, b.x);
  const int y = std::max(a.y, b.y);
  return {x, y, std::min(a.right(), b.right()) - x, std::min(a.bottom(), b.bottom()) - y};
}

Rect united(const Rect& a, const Rect& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const int x = std::min(a.x, b.x);
  const int y = std::min(a.y, b.y);
  return {x, y, std::max(a.right(), b.right()) - x, std::max(a.bottom(), b.bottom()) - y};
}

Layout place(const LayoutRequest& request) {
  Layout layout;
  layout.label = place_label(request);
  const int w = request.panel.width;
  const int h = request.panel.height;
  if (w <= 0 || h <= 0) return layout;

  const Size& frame = request.frame;
  const Rect& face = request.face;
  const Rect& label = layout.label;
  const int gap = request.gap;
  const int beside_x = clamped(face.x, 0, frame.width - w);
  const int beside_y = clamped(face.y, 0, frame.height - h);
  const bool label_below = !label.empty() && label.y >= face.bottom();
  const bool label_above = !label.empty() && label.bottom() <= face.y;

  // A panel that is taller than the room beside the face slides up or down, perhaps to the label's height.
  Rect right{face.right() + gap, beside_y, w, h};
  if (!intersection(right, label).empty()) right.x = label.right() + gap;
  Rect left{face.x - gap - w, beside_y, w, h};
  if (!intersection(left, label).empty()) left.x = label.x - gap - w;

  const int over_right = clamped(face.right() + gap, 0, frame.width - w);
  const int over_left = clamped(face.x - gap - w, 0, frame.width - w);
  const int over_top = clamped(std::max(face.y, label_above ? 0 : label.bottom() + gap), 0, frame.height - h);
  const int over_bottom = clamped(face.bottom() - h, 0, frame.height - h);

  const std::array<Rect, 8> rects{{
      right,
      left,
      {beside_x, (label_below ? label.bottom() : face.bottom()) + gap, w, h},
      {beside_x, (label_above ? label.y : face.y) - gap - h, w, h},
      {over_right, over_bottom, w, h},
      {over_left, over_bottom, w, h},
      {over_right, over_top, w, h},
      {over_left, over_top, w, h},
  }};

  const Rect whole{0, 0, frame.width, frame.height};
  const Rect core = core_of(face);
  double best = 0;
  for (std::size_t i = 0; i < rects.size(); ++i) {
    const Rect& rect = rects[i];
    const bool over_face = i >= 4;
    if (!over_face && !(intersection(rect, whole) == rect)) continue;
    double cost = kStepCost * static_cast<double>(i);
    if (over_face) cost += kOverFaceCost + 2 * shared_part(rect, core) + 4 * shared_part(rect, label);
    for (const Rect& other : request.avoid) cost += 2 * shared_part(rect, other);
    if (static_cast<int>(i) == request.previous_spot) cost -= kStayBonus;
    if (layout.spot < 0 || cost < best) {
      best = cost;
      layout.spot = static_cast<int>(i);
      layout.panel = rect;
    }
  }
  return layout;
}

}  // namespace fmpn::overlay
