#pragma once

#include <string>
#include <vector>

#include <fmpn/export.h>
#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

namespace fmpn {

/// A facial-motion mask: `side`×`side` values in 0…1, row-major; 1 is where the face has moved most.
struct MotionMask {
  std::vector<float> values;
  int side = 0;
  bool empty() const { return values.empty(); }
};

/// The first row and column of a crop's centre of `side` px: what a model of that input size sees.
constexpr int centre_offset(int crop_size, int side) { return (crop_size - side) / 2; }

/// Frame → mask, given frame → crop: a mask is of its crop's centre.
inline Affine mask_warp(Affine warp, int crop_size, int mask_side) {
  const int shift = centre_offset(crop_size, mask_side);
  warp[2] -= shift;
  warp[5] -= shift;
  return warp;
}

/// Eq. 1 of the paper for one class: the mean of |expressive − neutral| over its pairs, quantised to 8 bits,
/// then histogram-equalised (as in the published masks). Feed it pair after pair; memory stays constant.
class FMPN_API MotionMaskBuilder {
 public:
  /// Both crops aligned, square, of one side, the same in every call; colour is turned to gray (0.299 R + 0.587 G + 0.114 B). Throws
  /// kBadSetting for others.
  void add(const ImageView& expressive, const ImageView& neutral);
  int pairs() const { return pairs_; }
  /// The mask of Eq. 1, gray, of the crops' side. Throws kBadSetting before the first pair.
  Image build() const;

 private:
  std::vector<double> sum_;
  int side_ = 0;
  int pairs_ = 0;
};

}  // namespace fmpn
