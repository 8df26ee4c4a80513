#include <fmpn/motion_mask.h>

#include <cmath>

#include "core/cv_view.h"

namespace fmpn {

void MotionMaskBuilder::add(const ImageView& expressive, const ImageView& neutral) {
  const cv::Mat a = as_gray(expressive);
  const cv::Mat b = as_gray(neutral);
  if (a.size() != b.size() || a.rows != a.cols)
    throw Error(ErrorCode::kBadSetting, "motion mask: both crops must be square and of one size");
  if (pairs_ != 0 && side_ != a.rows)
    throw Error(ErrorCode::kBadSetting, "motion mask: crops of " + std::to_string(a.rows) + " px after crops of " +
                                            std::to_string(side_) + " px");
  side_ = a.rows;
  sum_.resize(static_cast<std::size_t>(side_) * side_, 0);
  cv::Mat difference;
  cv::absdiff(a, b, difference);
  cv::Mat sum(side_, side_, CV_64F, sum_.data());
  cv::add(sum, difference, sum, cv::noArray(), CV_64F);
  ++pairs_;
}

Image MotionMaskBuilder::build() const {
  if (pairs_ == 0) throw Error(ErrorCode::kBadSetting, "motion mask: no pair of faces was given");
  cv::Mat mean(side_, side_, CV_8U);
  for (std::size_t i = 0; i < sum_.size(); ++i) mean.data[i] = static_cast<std::uint8_t>(std::lround(sum_[i] / pairs_));
  cv::Mat equalised;
  cv::equalizeHist(mean, equalised);
  return to_image(equalised);
}

}  // namespace fmpn
