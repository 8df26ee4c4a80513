#pragma once

#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include <fmpn/geometry.h>

#include "core/gray_pyramid.h"
#include "core/hog_scanner.h"

namespace fmpn {

struct Detection {
  Box box;
  double score = 0;
};

/// A square box and half its width on each side, cut to a picture of `size`.
cv::Rect surroundings(const Box& box, cv::Size size);

/// dlib's HOG frontal-face detector: its filters, its pyramid and its choice among overlapping windows, hence its boxes, with features
/// and scan of our own that take half the time. It sees faces from 80 px; the picture is scaled so that `min_face_size` becomes
/// that. One instance per thread: it keeps its scratch.
class FaceDetector {
 public:
  FaceDetector();
  /// `gray` is 8-bit, one channel. Largest face first. Threshold in dlib's score.
  std::vector<Detection> detect(const cv::Mat& gray, double min_face_size, double threshold);

  /// The best window of `box`'s size whose centre is within half its width from `box`'s: one look at one scale, about a hundredth of a
  /// full detection at 1280×720. Faces a tenth larger or smaller are seen too.
  std::optional<Detection> look_at(const cv::Mat& gray, const Box& box, double threshold);

 private:
  std::vector<dlib::rect_detection> search(const cv::Mat& picture, double threshold, unsigned int levels);

  HogFeatures features_;
  HogScanner scanner_;
  GrayPyramid pyramid_;
};

}  // namespace fmpn
