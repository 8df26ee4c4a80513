#pragma once

#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

namespace fmpn {

/// The next smaller level of dlib's pyramid, 5/6 of the size, to the same pixels as dlib::pyramid_down<6> makes of 8-bit gray. What
/// depends on columns only is worked out once a level instead of once a row. One instance per thread.
class GrayPyramid {
 public:
  /// `to` gets 5·rows/6 × 5·columns/6 pixels; the pictures may not share memory.
  void down(const cv::Mat& from, cv::Mat& to);

 private:
  void plan(int columns_in, int columns_out);
  const float* spread(const cv::Mat& from, int row);

  static constexpr int kGroup = 8;  // columns of `to` that are taken from one load
  int columns_in_ = 0, columns_out_ = 0;
  int even_ = 0;     ///< columns that dlib does four at a time; the last few have a formula of their own
  int grouped_ = 0;  ///< columns that are done by groups
  std::vector<int> left_;            // for each column its left neighbour in `from`
  std::vector<float> share_;         // of the right neighbour
  std::vector<std::uint8_t> picks_;  // for each group where its left and right neighbours lie, counted from the first
  std::vector<float> spread_[2];     // left neighbours of a row, then right ones
  int row_of_[2] = {-1, -1};
};

}  // namespace fmpn
