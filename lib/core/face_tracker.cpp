#include <fmpn/face_tracker.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "core/face_detector.h"
#include "core/landmark_model.h"
#include "core/aligner_state.h"

namespace fmpn {
namespace {

struct Track {
  std::uint32_t id = 0;
  Box box;
  int lost_frames = 0;  ///< 0: seen on the last frame
};

/// Distance of the centres in units of the larger box, and a difference in size: 0 is the same place.
float distance(const Box& a, const Box& b) {
  const float side = std::max(a.width, b.width);
  const float dx = (a.x + a.width / 2) - (b.x + b.width / 2);
  const float dy = (a.y + a.height / 2) - (b.y + b.height / 2);
  return std::hypot(dx, dy) / side + 0.5F * std::abs(std::log(a.width / b.width));
}

}  // namespace

struct FaceTracker::State {
  TrackerOptions options;
  AlignerOptions aligner_options;
  Aligner aligner;
  FaceDetector near_detector;
  std::shared_ptr<const LandmarkModel> landmarks;
  std::vector<Track> tracks;
  std::uint32_t next_id = 1;
  long frame = 0;

  std::optional<AlignedFace> follow(const ImageView& frame_view, const cv::Mat& gray, const Track& track);
  std::vector<TrackedFace> assign(std::vector<AlignedFace> faces, bool detected);
};

FaceTracker::FaceTracker(const AlignerOptions& aligner, const TrackerOptions& tracker) {
  if (tracker.detect_interval < 1) throw Error(ErrorCode::kBadSetting, "detect-interval must be at least 1");
  if (tracker.keep_frames < 0) throw Error(ErrorCode::kBadSetting, "keep-frames must not be negative");
  Aligner made(aligner);
  const AlignerOptions options = made.options();
  state_.reset(new State{tracker, options, std::move(made), {}, LandmarkModel::load(options.landmark_model), {}, 1, 0});
}
FaceTracker::~FaceTracker() = default;

/// Looks for the face again in a region of twice its size, scaled so that the detector sees it at one or two of its
/// pyramid's levels: about a hundredth of a full detection at 1280×720.
std::optional<AlignedFace> FaceTracker::State::follow(const ImageView& view, const cv::Mat& gray, const Track& track) {
  const Box& b = track.box;
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

std::vector<TrackedFace> FaceTracker::State::assign(std::vector<AlignedFace> faces, bool detected) {
  struct Pair {
    float cost;
    std::size_t face;
    std::size_t track;
  };
  std::vector<Pair> pairs;
  for (std::size_t f = 0; f < faces.size(); ++f)
    for (std::size_t t = 0; t < tracks.size(); ++t) {
      // A face that was lost may have moved on meanwhile.
      const float reach = 0.7F + 0.03F * static_cast<float>(tracks[t].lost_frames);
      const float cost = distance(faces[f].box, tracks[t].box);
      if (cost < reach) pairs.push_back({cost + 0.02F * static_cast<float>(tracks[t].lost_frames), f, t});
    }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.cost < b.cost; });
  std::vector<int> track_of(faces.size(), -1);
  std::vector<bool> taken(tracks.size(), false);
  for (const Pair& pair : pairs)
    if (track_of[pair.face] < 0 && !taken[pair.track]) {
      track_of[pair.face] = static_cast<int>(pair.track);
      taken[pair.track] = true;
    }
  for (std::size_t t = 0; t < tracks.size(); ++t)
    if (!taken[t]) ++tracks[t].lost_frames;
  std::vector<TrackedFace> result;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (track_of[f] < 0) {
      track_of[f] = static_cast<int>(tracks.size());
      tracks.push_back({next_id++, {}, 0});
    }
    Track& track = tracks[static_cast<std::size_t>(track_of[f])];
    track.box = faces[f].box;
    track.lost_frames = 0;
    result.push_back({track.id, detected, std::move(faces[f])});
  }
  tracks.erase(std::remove_if(tracks.begin(), tracks.end(),
                              [&](const Track& t) { return t.lost_frames > options.keep_frames; }),
               tracks.end());
  return result;
}

std::vector<TrackedFace> FaceTracker::track(const ImageView& frame) {
  State& s = *state_;
  const bool full = s.frame++ % s.options.detect_interval == 0;
  if (full) return s.assign(s.aligner.find(frame), true);
  const cv::Mat gray = as_gray(frame);
  std::vector<AlignedFace> faces;
  for (const Track& track : s.tracks) {
    if (static_cast<int>(faces.size()) == s.aligner_options.max_faces) break;
    if (auto face = s.follow(frame, gray, track)) {
      // Two tracks must not end on one face.
      const bool twice = std::any_of(faces.begin(), faces.end(),
                                     [&](const AlignedFace& other) { return overlap(other.box, face->box) > 0.5F; });
      if (!twice) faces.push_back(std::move(*face));
    }
  }
  return s.assign(std::move(faces), false);
}

std::vector<TrackedFace> FaceTracker::track_regions(const ImageView& frame, const std::vector<Box>& regions,
                                                    const std::vector<double>& scores) {
  if (regions.size() != scores.size()) throw Error(ErrorCode::kBadSetting, "one score a region is needed");
  std::vector<AlignedFace> faces;
  for (std::size_t i = 0; i < regions.size(); ++i) faces.push_back(state_->aligner.align(frame, regions[i], scores[i]));
  return state_->assign(std::move(faces), true);
}

void FaceTracker::reset() {
  state_->tracks.clear();
  state_->frame = 0;
}

}  // namespace fmpn
