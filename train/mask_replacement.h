#pragma once

#include <string>
#include <vector>

#include <fmpn/engine.h>

namespace fmpn::train {

/// Other masks than the faces' own, to see what the classifier makes of them: "mean", that of all the faces; "zero", nothing has moved;
/// "other", that of another face, one cycle through all of them from a fixed seed.
class MaskReplacement {
 public:
  /// `engine` and `crops` must outlive it. Throws kBadSetting for a model without masks, and where there is no other face.
  MaskReplacement(const Engine& engine, const std::vector<Image>& crops, const std::string& kind);
  /// One mask for each of the crops first…last − 1.
  std::vector<MotionMask> masks(std::size_t first, std::size_t last) const;

 private:
  std::vector<MotionMask> generated(std::size_t first, std::size_t last) const;  ///< of the crops in the order of `order_`

  const Engine& engine_;
  const std::vector<Image>& crops_;
  std::vector<std::size_t> order_;
  MotionMask same_;  ///< for every face; empty: each has one of its own
};

}  // namespace fmpn::train
