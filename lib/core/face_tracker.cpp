#include <fmpn/face_tracker.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmpn/error.h>

#include "core/aligner_state.h"
#include "core/cv_view.h"
#include "core/face_detector.h"
#include "core/face_track.h"
#include "core/landmark_model.h"

namespace fmpn {
namespace {

constexpr int kHurriedIntervals = 4;  // after so many a full detection waits no longer, however late the stream is

}  // namespace

struct FaceTracker::State {
  TrackerOptions options;
  AlignerOptions aligner_options;
  Aligner aligner;
  FaceDetector near_detector;
  std::shared_ptr<const LandmarkModel> landmarks;
  std::vector<FaceTrack> tracks;
  std::uint32_t next_id = 1;
  long since_detection = 0;  ///< frames; 0: the next one is searched in full

  std::optional<AlignedFace> follow(const ImageView& frame_view, const cv::Mat& gray, const Box& expected);
  std::vector<TrackedFace> assign(std::vector<AlignedFace> faces, bool detected, double time);
};

FaceTracker::FaceTracker(const AlignerOptions& aligner, const TrackerOptions& tracker) {
  if (tracker.detect_interval < 1) throw Error(ErrorCode::kBadSetting, "detect-interval must be at least 1");
  if (!(tracker.keep_time >= 0)) throw Error(ErrorCode::kBadSetting, "keep-time must not be negative");
  Aligner made(aligner);
  const AlignerOptions options = made.options();
  state_.reset(new State{tracker, options, std::move(made), {}, LandmarkModel::load(options.landmark_model), {}, 1, 0});
}
FaceTracker::~FaceTracker() = default;

/// Looks for the face again in a region of twice its size, scaled so that the detector sees it at one or two of its
/// pyramid's levels: about a hundredth of a full detection at 1280×720.
std::optional<AlignedFace> FaceTracker::State::follow(const ImageView& view, const cv::Mat& gray, const Box& b) {
  const float margin = 0.5F * b.width;
  const cv::Rect region = cv::Rect(cvFloor(b.x - margin), cvFloor(b.y - margin), cvCeil(b.width + 2 * margin),
                                   cvCeil(b.height + 2 * margin)) &
                          cv::Rect(0, 0, gray.cols, gray.rows);
  if (region.width < 16 || region.height < 16) return std::nullopt;
  const auto found = near_detector.detect(gray(region), std::max(16.0F, 0.75F * b.width), aligner_options.detector_threshold - 0.2);
  std::optional<Detection> best;
  for (Detection one : found) {
    one.box.x += static_cast<float>(region.x);
    one.box.y += static_cast<float>(region.y);
    if (distance(one.box, b) < 0.6F && (!best || distance(one.box, b) < distance(best->box, b))) best = one;
  }
  if (!best) return std::nullopt;
  return finish_face(view, *best, landmarks->predict(gray, best->box), aligner_options.crop_size);
}

std::vector<TrackedFace> FaceTracker::State::assign(std::vector<AlignedFace> faces, bool detected, double time) {
  std::vector<int> track_of = match(faces, tracks, time);
  std::vector<TrackedFace> result;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (track_of[f] < 0) {
      track_of[f] = static_cast<int>(tracks.size());
      tracks.emplace_back();
      tracks.back().id = next_id++;
    }
    FaceTrack& track = tracks[static_cast<std::size_t>(track_of[f])];
    track.see(faces[f], time);
    result.push_back({track.id, detected, std::move(faces[f]), track.first_seen});
  }
  const auto gone = [&](const FaceTrack& track) { return time - track.seen_at > options.keep_time; };
  tracks.erase(std::remove_if(tracks.begin(), tracks.end(), gone), tracks.end());
  return result;
}

std::vector<TrackedFace> FaceTracker::track(const ImageView& frame, double time, bool hurry) {
  State& s = *state_;
  const long due = s.options.detect_interval;
  const long last = hurry && !s.tracks.empty() ? kHurriedIntervals * due : due;
  if (s.since_detection == 0 || s.since_detection >= last) {
    s.since_detection = 1;
    return s.assign(s.aligner.find(frame), true, time);
  }
  ++s.since_detection;
  if (s.tracks.empty()) return {};
  const cv::Mat gray = as_gray(frame);
  std::vector<AlignedFace> faces;
  for (const FaceTrack& track : s.tracks) {
    if (static_cast<int>(faces.size()) == s.aligner_options.max_faces) break;
    if (auto face = s.follow(frame, gray, track.expected(time))) {
      // Two tracks must not end on one face.
      const bool twice = std::any_of(faces.begin(), faces.end(),
                                     [&](const AlignedFace& other) { return overlap(other.box, face->box) > 0.5F; });
      if (!twice) faces.push_back(std::move(*face));
    }
  }
  return s.assign(std::move(faces), false, time);
}

std::vector<TrackedFace> FaceTracker::track_regions(const ImageView& frame, const std::vector<Box>& regions,
                                                    const std::vector<double>& scores, double time) {
  if (regions.size() != scores.size()) throw Error(ErrorCode::kBadSetting, "one score a region is needed");
  std::vector<AlignedFace> faces;
  for (std::size_t i = 0; i < regions.size(); ++i) faces.push_back(state_->aligner.align(frame, regions[i], scores[i]));
  state_->since_detection = 1;  // a frame without regions is one on which upstream did not look: the faces are followed
  return state_->assign(std::move(faces), true, time);
}

void FaceTracker::reset() {
  state_->tracks.clear();
  state_->since_detection = 0;
}

}  // namespace fmpn
