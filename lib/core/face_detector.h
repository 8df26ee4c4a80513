#pragma once

#include <vector>

#include <dlib/image_processing/frontal_face_detector.h>
#include <opencv2/core.hpp>

#include <fmpn/geometry.h>

namespace fmpn {

struct Detection {
  Box box;
  double score = 0;
};

/// dlib's HOG frontal-face detector. It sees faces from 80 px; the picture is scaled so that `min_face_size` becomes
/// that. One instance per thread: dlib's detector keeps its pyramid as scratch.
class FaceDetector {
 public:
  FaceDetector();
  /// `gray` is 8-bit, one channel. Largest face first. Threshold in dlib's score.
  std::vector<Detection> detect(const cv::Mat& gray, double min_face_size, double threshold);

 private:
  dlib::frontal_face_detector detector_;
};

}  // namespace fmpn
