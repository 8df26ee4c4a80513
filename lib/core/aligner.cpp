#include <fmpn/aligner.h>

#include <algorithm>
#include <cmath>

#include "core/aligner_state.h"
#include "core/core_error.h"
#include "core/cv_view.h"
#include "core/face_quality.h"

namespace fmpn {
namespace {

constexpr int kStillSide = 200;            // small pictures are enlarged to about this before the second look
constexpr double kSecondThreshold = -0.6;  // of the second look at a still

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

AlignedFace finish_face(const ImageView& frame, const Detection& detection, const Landmarks& landmarks, int crop_size) {
  AlignedFace face;
  face.box = clipped(detection.box, frame);
  face.score = detection.score;
  face.landmarks = landmarks;
  face.warp = alignment_warp(landmarks, crop_size);
  face.crop = warp_face(frame, face.warp, crop_size);
  const Affine judged = alignment_warp(landmarks, kQualitySide);
  face.quality = face_quality(landmarks, judged, warp_face(frame, judged, kQualitySide));
  return face;
}

Aligner::Aligner(const AlignerOptions& options) : state_(core_error([] { return std::make_unique<State>(); })) {
  state_->options = checked(options);
  state_->landmarks = LandmarkModel::load(state_->options.landmark_model);
}
Aligner::~Aligner() = default;
Aligner::Aligner(Aligner&&) noexcept = default;
Aligner& Aligner::operator=(Aligner&&) noexcept = default;

const AlignerOptions& Aligner::options() const { return state_->options; }

std::vector<FoundFace> find_faces(const ImageView& frame, FaceDetector& detector, const LandmarkModel& landmarks,
                                  const AlignerOptions& options) {
  const cv::Mat gray = as_gray(frame);
  std::vector<FoundFace> faces;
  for (const Detection& found : detector.detect(gray, options.min_face_size, options.detector_threshold)) {
    if (static_cast<int>(faces.size()) == options.max_faces) break;
    faces.push_back({found.box, finish_face(frame, found, landmarks.predict(gray, found.box), options.crop_size)});
  }
  return faces;
}

std::vector<AlignedFace> Aligner::find(const ImageView& frame) {
  return core_error([&] {
    std::vector<AlignedFace> faces;
    for (FoundFace& found : find_faces(frame, state_->detector, *state_->landmarks, state_->options)) faces.push_back(std::move(found.face));
    return faces;
  });
}

std::vector<AlignedFace> Aligner::find_in_still(const ImageView& picture) {
  return core_error([&] {
    std::vector<AlignedFace> faces = find(picture);
    if (!faces.empty() || std::max(picture.width, picture.height) > 3 * kStillSide) return faces;

    // A tight crop: give the detector the border it needs, by repeating the edge, and the size.
    const cv::Mat gray = as_gray(picture);
    const int side = std::max(gray.cols, gray.rows);
    const double scale = std::max(1.0, static_cast<double>(kStillSide) / side);
    const int border = std::max(1, side / 4);
    cv::Mat padded;
    cv::copyMakeBorder(gray, padded, border, border, border, border, cv::BORDER_REPLICATE);
    cv::resize(padded, padded, {}, scale, scale, cv::INTER_CUBIC);
    const auto back = [&](Point p) {
      return Point{static_cast<float>((p.x + 0.5) / scale - 0.5 - border), static_cast<float>((p.y + 0.5) / scale - 0.5 - border)};
    };
    for (const double threshold : {state_->options.detector_threshold, kSecondThreshold}) {
      const auto found = state_->detector.detect(padded, 80, threshold);
      if (found.empty()) continue;
      // A tight crop shows one face: the detector's best, not its largest.
      const Detection& best =
          *std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
      Landmarks marks = state_->landmarks->predict(padded, best.box);
      std::transform(marks.begin(), marks.end(), marks.begin(), back);
      const Point corner = back({best.box.x, best.box.y});
      const auto size = static_cast<float>(best.box.width / scale);
      faces.push_back(finish_face(picture, {{corner.x, corner.y, size, size}, best.score}, marks, state_->options.crop_size));
      break;
    }
    return faces;
  });
}

AlignedFace Aligner::align(const ImageView& frame, const Box& box, double score) {
  return core_error([&] {
    if (!(box.width >= 1 && box.height >= 1)) throw Error(ErrorCode::kBadSetting, "a face region without area");
    // Also refuses what is not a number; dlib counts pixels in whole numbers.
    if (!(std::abs(box.x) < 1e6F && std::abs(box.y) < 1e6F && box.width < 1e6F && box.height < 1e6F))
      throw Error(ErrorCode::kBadSetting, "a face region far from any frame");
    return finish_face(frame, {box, score}, state_->landmarks->predict(as_gray(frame), box), state_->options.crop_size);
  });
}

}  // namespace fmpn
