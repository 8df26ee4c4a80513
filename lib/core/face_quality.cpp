#include "core/face_quality.h"

#include <algorithm>
#include <cmath>

#include "core/cv_view.h"

namespace fmpn {
namespace {

float ramp(double value, double zero, double one) {
  return static_cast<float>(std::clamp((value - zero) / (one - zero), 0.0, 1.0));
}

}  // namespace

float face_quality(const Landmarks& landmarks, const Affine& warp, const Image& crop) {
  const double eyes = std::hypot(landmarks[1].x - landmarks[0].x, landmarks[1].y - landmarks[0].y);
  const float size = ramp(eyes, 4, 24);

  cv::Mat edges;
  cv::Laplacian(as_gray(crop.view()), edges, CV_32F);
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(edges, mean, deviation);
  const float sharpness = 0.3F + 0.7F * ramp(deviation[0], 2, 12);

  double residual = 0;
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    const Point at = apply(warp, landmarks[i]);
    residual += std::hypot(at.x / crop.width - kStandardTemplate[i].x, at.y / crop.width - kStandardTemplate[i].y);
  }
  const float fit = ramp(residual / static_cast<double>(landmarks.size()), 0.14, 0.05);

  const Point nose = apply(warp, landmarks[2]);
  const Point left = apply(warp, landmarks[0]);
  const Point right = apply(warp, landmarks[1]);
  const double turn = std::abs((nose.x - left.x) / std::max(1.0F, right.x - left.x) - 0.5);
  const float pose = ramp(turn, 0.45, 0.18);
  return size * sharpness * fit * pose;
}

}  // namespace fmpn
