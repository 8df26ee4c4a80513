#pragma once

#include <array>

namespace fmpn {

/// A point in pixels; the centre of the top left pixel is (0, 0).
struct Point {
  float x = 0;
  float y = 0;
};

/// An upright box in pixels, from edge to edge: the frame's left edge is x = 0, half a pixel left of the Point 0, and a box covers the
/// columns [x, x + width).
struct Box {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;
};

/// Left eye's centre, right eye's centre, nose tip, left and right mouth corner, "left" being the picture's left.
using Landmarks = std::array<Point, 5>;

/// A 2×3 affine map of Points, row-major: x' = m[0]·x + m[1]·y + m[2], y' = m[3]·x + m[4]·y + m[5].
using Affine = std::array<double, 6>;

/// Where the five landmarks of an aligned face lie, as fractions of the crop's side: times the side they are Points of the crop.
/// Measured on the published CK+ and MMI masks, so that borrowed masks line up with our crops.
constexpr Landmarks kStandardTemplate{
    Point{0.265F, 0.270F}, Point{0.735F, 0.270F}, Point{0.500F, 0.535F}, Point{0.315F, 0.745F}, Point{0.695F, 0.745F}};

inline Point apply(const Affine& m, Point p) {
  return {static_cast<float>(m[0] * p.x + m[1] * p.y + m[2]), static_cast<float>(m[3] * p.x + m[4] * p.y + m[5])};
}

/// Intersection over union, 0…1.
inline float overlap(const Box& a, const Box& b) {
  const float left = a.x > b.x ? a.x : b.x;
  const float top = a.y > b.y ? a.y : b.y;
  const float right = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
  const float bottom = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;
  if (right <= left || bottom <= top) return 0;
  const float shared = (right - left) * (bottom - top);
  return shared / (a.width * a.height + b.width * b.height - shared);
}

}  // namespace fmpn
