#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmpn/geometry.h>

namespace fmpn::gst {

/// Points of a frame, not pixels from edge to edge.
struct Extent {
  double left = 0, top = 0, right = 0, bottom = 0;
};

/// The upright extent of the square that `warp` maps to [first, last]², as a crop's or a mask's is; all 0 where the warp has no inverse.
inline Extent square_in_frame(const Affine& warp, double first, double last) {
  const double det = warp[0] * warp[4] - warp[1] * warp[3];
  if (!(std::abs(det) >= 1e-9)) return {};
  constexpr double kFar = std::numeric_limits<double>::infinity();
  Extent extent{kFar, kFar, -kFar, -kFar};
  for (const double v : {first, last}) {
    for (const double u : {first, last}) {
      const double x = (warp[4] * (u - warp[2]) - warp[1] * (v - warp[5])) / det,
                   y = (warp[0] * (v - warp[5]) - warp[3] * (u - warp[2])) / det;
      extent = {std::min(extent.left, x), std::min(extent.top, y), std::max(extent.right, x), std::max(extent.bottom, y)};
    }
  }
  return extent;
}

}  // namespace fmpn::gst
