#include <fmpn/motion_mask.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/core_error.h"
#include "core/cv_view.h"

namespace fmpn {

void MotionMaskBuilder::add(const ImageView& expressive, const ImageView& neutral) {
  return core_error([&] {
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
  });
}

namespace {

/// Histogram equalisation as the published masks have it (all 130 of them; the rule of Pillow's ImageOps.equalize): a
/// level becomes the number of darker pixels, in steps of a 255th of those below the brightest level.
void equalise(cv::Mat& picture) {
  std::array<std::int64_t, 256> count{};
  for (std::size_t i = 0; i < picture.total(); ++i) ++count[picture.data[i]];
  const auto brightest = *std::find_if(count.rbegin(), count.rend(), [](std::int64_t n) { return n != 0; });
  const std::int64_t step = (static_cast<std::int64_t>(picture.total()) - brightest) / 255;
  if (step == 0) return;  // one level, or fewer than 255 pixels
  std::array<std::uint8_t, 256> level{};
  std::int64_t darker = step / 2;
  for (std::size_t v = 0; v < level.size(); ++v) {
    level[v] = static_cast<std::uint8_t>(std::min<std::int64_t>(255, darker / step));
    darker += count[v];
  }
  for (std::size_t i = 0; i < picture.total(); ++i) picture.data[i] = level[picture.data[i]];
}

}  // namespace

Image MotionMaskBuilder::build() const {
  return core_error([&] {
    if (pairs_ == 0) throw Error(ErrorCode::kBadSetting, "motion mask: no pair of faces was given");
    cv::Mat mean(side_, side_, CV_8U);
    for (std::size_t i = 0; i < sum_.size(); ++i) mean.data[i] = static_cast<std::uint8_t>(std::lround(sum_[i] / pairs_));
    equalise(mean);
    return to_image(mean);
  });
}

}  // namespace fmpn
