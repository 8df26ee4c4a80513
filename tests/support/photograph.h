#pragma once

#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <fmpn/aligner.h>

namespace fmpn::test {

/// A portrait of Rear Admiral Grace Hopper (US Navy, public domain), 512×600, one frontal face; from Debian's
/// python-matplotlib-data.
inline const char* photograph_path() { return "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"; }

inline cv::Mat as_cv(const Image& image) {
  const int type = image.format == PixelFormat::kGray8 ? CV_8UC1 : CV_8UC3;
  return cv::Mat(image.height, image.width, type, const_cast<std::uint8_t*>(image.pixels.data()));
}

/// The head of the photograph, `height` pixels high and 33/37 of that wide; the face that detectors see is about half of it. RGB.
inline cv::Mat photograph_head(int height) {
  const Image photo = read_image(photograph_path());
  cv::Mat head;
  cv::resize(as_cv(photo)(cv::Rect(110, 20, 330, 370)), head, {height * 33 / 37, height}, 0, 0, cv::INTER_AREA);
  return head;
}

inline ImageView view_of(const cv::Mat& mat) {
  return {mat.data, mat.cols, mat.rows, static_cast<std::ptrdiff_t>(mat.step),
          mat.channels() == 1 ? PixelFormat::kGray8 : PixelFormat::kRgb8};
}

/// Skips its tests where the photograph or dlib's landmark model is not installed.
class PhotographTest : public ::testing::Test {
 protected:
  /// Holds the landmark model to the program's end: all who load it share it, and reading it takes longer than most tests.
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(default_landmark_model())) return;
    static const Aligner holder{AlignerOptions{}};
  }
  void SetUp() override {
    if (!std::filesystem::exists(photograph_path())) GTEST_SKIP() << photograph_path() << " is not installed";
    if (!std::filesystem::exists(default_landmark_model())) GTEST_SKIP() << default_landmark_model() << " is not installed";
    image_ = read_image(photograph_path());
    photo_ = as_cv(image_);
  }
  Image image_;
  cv::Mat photo_;  ///< RGB; the pixels are image_'s
};

}  // namespace fmpn::test
