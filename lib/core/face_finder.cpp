#include "core/face_finder.h"

#include <algorithm>
#include <cmath>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "core/face_quality.h"

namespace fmpn {
namespace {

AlignerOptions checked(AlignerOptions options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::kBadSetting, what); };
  if (options.crop_size < 8 || options.crop_size > 1024) refuse("crop-size must be in 8…1024");
  if (options.min_face_size < 16) refuse("min-face-size must be at least 16");
  if (options.max_faces < 1) refuse("max-faces must be at least 1");
  if (!std::isfinite(options.detector_threshold)) refuse("detection-threshold must be a number");
  if (options.landmark_model.empty()) options.landmark_model = default_landmark_model();
  return options;
}

}  // namespace

Box clipped(const Box& box, const ImageView& frame) {
  const float x0 = std::clamp(box.x, 0.0F, static_cast<float>(frame.width - 1));
  const float y0 = std::clamp(box.y, 0.0F, static_cast<float>(frame.height - 1));
  const float x1 = std::clamp(box.x + box.width, x0 + 1, static_cast<float>(frame.width));
  const float y1 = std::clamp(box.y + box.height, y0 + 1, static_cast<float>(frame.height));
  return {x0, y0, x1 - x0, y1 - y0};
}

FaceFinder::FaceFinder(const AlignerOptions& wanted) : options(checked(wanted)), landmarks(LandmarkModel::load(options.landmark_model)) {}

std::vector<FoundFace> FaceFinder::find(const ImageView& frame) {
  const cv::Mat gray = as_gray(frame);
  std::vector<FoundFace> faces;
  for (const Detection& found : detector.detect(gray, options.min_face_size, options.detector_threshold)) {
    if (static_cast<int>(faces.size()) == options.max_faces) break;
    faces.push_back({found.box, finish(frame, found, landmarks->predict(gray, found.box))});
  }
  return faces;
}

AlignedFace FaceFinder::align(const ImageView& frame, const Box& box, double score) const {
  if (!(box.width >= 1 && box.height >= 1)) throw Error(ErrorCode::kBadSetting, "a face region without area");
  // Also refuses what is not a number; dlib counts pixels in whole numbers.
  if (!(std::abs(box.x) < 1e6F && std::abs(box.y) < 1e6F && box.width < 1e6F && box.height < 1e6F))
    throw Error(ErrorCode::kBadSetting, "a face region far from any frame");
  return finish(frame, {box, score}, landmarks->predict(as_gray(frame), box));
}

AlignedFace FaceFinder::finish(const ImageView& frame, const Detection& detection, const Landmarks& marks) const {
  AlignedFace face;
  face.box = clipped(detection.box, frame);
  face.score = detection.score;
  face.landmarks = marks;
  face.warp = alignment_warp(marks, options.crop_size);
  face.crop = warp_face(frame, face.warp, options.crop_size);
  const Affine judged = alignment_warp(marks, kQualitySide);
  face.quality = face_quality(marks, judged, warp_face(frame, judged, kQualitySide));
  return face;
}

}  // namespace fmpn
