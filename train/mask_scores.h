#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace fmpn::train {

/// How near generated masks come to the ground truth of their faces' classes: what FMG has learnt, whatever the classifier makes of it.
/// A mask is S×S values of 0…1, row by row, S the networks' input size; sums are in double. What does not fit together is kBadSetting.
class MaskScores {
 public:
  /// `class_masks`: one mask of side×side for each of `classes`, one after the other, whose centres of S×S count. S ≤ side.
  MaskScores(const std::vector<float>& class_masks, std::size_t classes, int side, int input_size);

  /// `mask`: of a face of class `label`.
  void add(const std::vector<float>& mask, std::size_t label);

  /// The coefficient of determination of the masks added: the share of the variance of the faces' ground-truth masks that they explain. 1
  /// at most; 0 and less where one mask for all faces, the mean of the ground truth, would be as near or nearer. None where the ground
  /// truth is the same for all, and before a mask was added.
  std::optional<double> r2() const;
  /// The mean of the masks added, of which there is one at least.
  std::vector<float> mean() const;

  /// True where `mask` is nearer (Euclidean distance) to the ground truth of `label` than to every other class's. False where two classes
  /// that share one ground truth, such as "nothing has moved", are as near.
  bool is_nearest(const std::vector<float>& mask, std::size_t label) const;

 private:
  void check(const std::vector<float>& mask, std::size_t label) const;

  std::size_t area_;
  std::vector<std::vector<float>> truth_;  ///< of each class
  std::vector<double> faces_, sum_;        ///< of each class; of each pixel
  double count_ = 0, error_ = 0;
};

}  // namespace fmpn::train
