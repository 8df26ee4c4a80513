#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace fmpn::train {

/// How near generated masks come to the ground truth of their faces' classes: what FMG has learnt, whatever the classifier makes of it.
/// Masks are S×S values of 0…1, row by row; sums are in double. One face at least is added before anything is asked.
class MaskScores {
 public:
  /// `class_masks`: `classes` masks of side×side, one after the other, whose centres of S×S count. Throws kBadSetting for S > side.
  MaskScores(const std::vector<float>& class_masks, std::size_t classes, int side, int input_size);

  /// `mask`: S×S of a face of class `label`.
  void add(const float* mask, std::size_t label);

  /// The coefficient of determination: the share of the variance of the faces' ground-truth masks that theirs explain. 1 at most; 0 and
  /// less where one mask for all faces, the mean of the ground truth, would be as near. None where the ground truth is the same for all.
  std::optional<double> r2() const;
  /// The share of faces whose mask is nearer to the ground truth of their class than to any other's (Euclidean distance), 0…1.
  double nearest() const;
  /// The mean of all masks added.
  std::vector<float> mean() const;

 private:
  std::size_t area_;
  std::vector<std::vector<float>> truth_;  ///< of each class
  std::vector<double> faces_, sum_;        ///< of each class; of each pixel
  double count_ = 0, error_ = 0, named_ = 0;
};

}  // namespace fmpn::train
