#include "core/face_detector.h"

#include <algorithm>

#include <dlib/opencv.h>
#include <opencv2/imgproc.hpp>

namespace fmpn {

constexpr double kWindow = 80;  // side of dlib's scanning window

namespace {

/// dlib unpacks its detector from text, which takes a second: once a process is enough. Copies are cheap.
const dlib::frontal_face_detector& unpacked_detector() {
  static const dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  return detector;
}

}  // namespace

FaceDetector::FaceDetector() : detector_(unpacked_detector()) {}

std::vector<Detection> FaceDetector::detect(const cv::Mat& gray, double min_face_size, double threshold) {
  const double scale = kWindow / min_face_size;
  // dlib's scanner reads beyond pictures that are smaller than its window.
  if (std::min(gray.cols, gray.rows) * scale < kWindow - 0.5) return {};
  cv::Mat scaled = gray;
  if (std::abs(scale - 1) > 0.02)
    cv::resize(gray, scaled, {}, scale, scale, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  if (scaled.cols < kWindow || scaled.rows < kWindow) return {};
  const double sx = static_cast<double>(gray.cols) / scaled.cols;
  const double sy = static_cast<double>(gray.rows) / scaled.rows;

  std::vector<dlib::rect_detection> found;
  detector_(dlib::cv_image<unsigned char>(scaled), found, threshold);
  std::vector<Detection> detections;
  detections.reserve(found.size());
  for (const auto& one : found) {
    const auto& r = one.rect;
    detections.push_back({{static_cast<float>(r.left() * sx), static_cast<float>(r.top() * sy),
                           static_cast<float>(r.width() * sx), static_cast<float>(r.height() * sy)},
                          one.detection_confidence});
  }
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) { return a.box.width > b.box.width; });
  return detections;
}

}  // namespace fmpn
