#include <fmpn/face_tracker.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmpn/error.h>

#include "core/core_error.h"
#include "core/cv_view.h"
#include "core/face_finder.h"
#include "core/face_track.h"

namespace fmpn {
namespace {

constexpr double kUsualStep = 3;      // a step in time of so many of the last one is a jump
constexpr int kHurriedIntervals = 4;  // after so many a full detection waits no longer, however late the stream is
constexpr double kLenience = 0.2;     // a face that was seen on the last frame needs less of a score
constexpr float kGrid = 0.12F;        // of a face's width: further off the detector's word counts
constexpr float kSettled = 0.03F;     // of a face's width: landmarks from so near would be the same
constexpr float kAstray = 0.25F;      // distance() between what the detector and the landmarks say
constexpr int kRounds = 2;            // of landmarks after the first

Box moved(const Box& box, float dx, float dy) { return {box.x + dx, box.y + dy, box.width, box.height}; }

Point between(const Box& from, const Box& to) {
  return {(to.x + to.width / 2) - (from.x + from.width / 2), (to.y + to.height / 2) - (from.y + from.height / 2)};
}

ImageView part_of(const ImageView& frame, const cv::Rect& part) {
  ImageView view = frame;
  view.data += part.y * frame.stride + std::ptrdiff_t{part.x} * channels(frame.format);
  view.width = part.width, view.height = part.height;
  return view;
}

}  // namespace

struct FaceTracker::State {
  State(const AlignerOptions& aligner, const TrackerOptions& tracker) : options(tracker), finder(aligner) {}

  TrackerOptions options;
  FaceFinder finder;  ///< its detector looks at whole frames and at regions
  std::vector<FaceTrack> tracks;
  std::uint32_t next_id = 1;
  long since_detection = 0;  ///< frames; 0: the next one is searched in full
  std::optional<double> last_time;
  double last_step = 0;  ///< seconds between the last two frames of different times; 0: not known

  /// Forgets the faces where time jumps to this frame. A stream of few frames does not jump. Throws for a frame or a time that is none.
  void begin_frame(const ImageView& frame, double time);

  std::optional<FoundFace> follow(const ImageView& frame, const FaceTrack& track, double time);
  std::optional<Detection> search_around(const cv::Mat& gray, const Box& expected);
  /// With `frame` the boxes are the own detector's on it, and are steadied.
  std::vector<TrackedFace> assign(std::vector<FoundFace> faces, bool detected, double time, const ImageView* frame = nullptr);
};

void FaceTracker::State::begin_frame(const ImageView& frame, double time) {
  require_picture(frame);
  if (!std::isfinite(time)) throw Error(ErrorCode::kBadSetting, "the time of a frame is not finite");
  const double step = last_time ? time - *last_time : 0;
  // The first step of a stream is as long as its frames are apart.
  if (step < 0 || (last_step > 0 && step > std::max(options.keep_time, kUsualStep * last_step))) {
    tracks.clear();
    since_detection = 0;
  }
  last_time = time;
  if (step != 0) last_step = std::max(0.0, step);
}

FaceTracker::FaceTracker(const AlignerOptions& aligner, const TrackerOptions& tracker) {
  if (tracker.detect_interval < 1) throw Error(ErrorCode::kBadSetting, "detect-interval must be at least 1");
  if (!(tracker.keep_time >= 0)) throw Error(ErrorCode::kBadSetting, "keep-time must not be negative");
  state_ = core_error([&] { return std::make_unique<State>(aligner, tracker); });
}
FaceTracker::~FaceTracker() = default;

/// Looks for a face that was not where it should be in a region of twice its size, at several scales.
std::optional<Detection> FaceTracker::State::search_around(const cv::Mat& gray, const Box& b) {
  const cv::Rect region = surroundings(b, gray.size());
  if (region.width < 16 || region.height < 16) return std::nullopt;
  const auto found = finder.detector.detect(gray(region), std::max(16.0F, 0.75F * b.width), finder.options.detector_threshold - kLenience);
  std::optional<Detection> best;
  for (Detection one : found) {
    one.box.x += static_cast<float>(region.x);
    one.box.y += static_cast<float>(region.y);
    if (distance(one.box, b) < 0.6F && (!best || distance(one.box, b) < distance(best->box, b))) best = one;
  }
  return best;
}

/// The detector says at one scale that a face is there, or the search begins; the landmarks say where it is exactly. They start from
/// where the face should be unless the detector, whose windows lie on a grid, clearly sees it elsewhere.
std::optional<FoundFace> FaceTracker::State::follow(const ImageView& frame, const FaceTrack& track, double time) {
  const Box expected = track.expected(time);
  // Gray is needed around the face only: what the landmark model reads lies within its box, and a little beyond.
  const cv::Rect around = cv::Rect(cvFloor(expected.x - expected.width), cvFloor(expected.y - expected.height), cvCeil(3 * expected.width),
                                   cvCeil(3 * expected.height)) &
                          cv::Rect(0, 0, frame.width, frame.height);
  if (around.width < 16 || around.height < 16) return std::nullopt;
  const cv::Mat gray = as_gray(part_of(frame, around));
  const auto dx = static_cast<float>(around.x), dy = static_cast<float>(around.y);
  // Boxes are pixels of `gray` here, landmarks the frame's.
  const auto marks_at = [&](const Box& box) {
    Landmarks marks = finder.landmarks->predict(gray, box);
    for (Point& mark : marks) mark.x += dx, mark.y += dy;
    return marks;
  };
  Box box = moved(expected, -dx, -dy);
  auto seen = finder.detector.look_at(gray, box, finder.options.detector_threshold - kLenience);
  bool framed = !seen;  // the box is the detector's, not the one that was carried along
  if (framed) {
    seen = search_around(gray, box);
    if (!seen) return std::nullopt;
    box = seen->box;
  } else if (const Point off = between(box, seen->box); std::hypot(off.x, off.y) > kGrid * box.width) {
    box = moved(box, off.x, off.y);
  }
  Landmarks marks = marks_at(box);
  for (int round = 0; round < kRounds && !framed; ++round) {
    const Box carried = moved(track.carried(alignment_warp(marks, finder.options.crop_size)), -dx, -dy);
    const Point off = between(box, carried);
    const bool settled = std::hypot(off.x, off.y) < kSettled * box.width && std::abs(carried.width - box.width) < 2 * kSettled * box.width;
    box = carried;
    if (settled) break;
    marks = marks_at(box);
  }
  // Landmarks that have left the face that the detector sees are led back to it.
  if (!framed && distance(seen->box, box) > kAstray) {
    framed = true;
    box = seen->box;
    marks = marks_at(box);
  }
  box = moved(box, dx, dy);
  return FoundFace{box, finder.finish(frame, {box, seen->score}, marks), framed};
}

std::vector<TrackedFace> FaceTracker::State::assign(std::vector<FoundFace> faces, bool detected, double time, const ImageView* frame) {
  std::vector<int> track_of = match(faces, tracks, time);
  std::vector<TrackedFace> result;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (track_of[f] < 0) {
      track_of[f] = static_cast<int>(tracks.size());
      tracks.emplace_back();
      tracks.back().id = next_id++;
    }
    FaceTrack& track = tracks[static_cast<std::size_t>(track_of[f])];
    if (frame != nullptr) {
      faces[f].box = track.steadied(faces[f].box, faces[f].face.warp);
      faces[f].face.box = clipped(faces[f].box, *frame);
    }
    track.see(faces[f], time);
    result.push_back({track.id, detected, std::move(faces[f].face), track.first_seen});
  }
  const auto gone = [&](const FaceTrack& track) { return time - track.seen_at > options.keep_time; };
  tracks.erase(std::remove_if(tracks.begin(), tracks.end(), gone), tracks.end());
  return result;
}

std::vector<TrackedFace> FaceTracker::track(const ImageView& frame, double time, bool hurry) {
  return core_error([&]() -> std::vector<TrackedFace> {
    State& s = *state_;
    s.begin_frame(frame, time);
    const long due = s.options.detect_interval;
    // Who looks on every frame wants no new face to slip by, as one that is to be hidden would.
    const long last = hurry && due > 1 && !s.tracks.empty() ? kHurriedIntervals * due : due;
    if (s.since_detection == 0 || s.since_detection >= last) {
      s.since_detection = 1;
      return s.assign(s.finder.find(frame), true, time, &frame);
    }
    ++s.since_detection;
    if (s.tracks.empty()) return {};
    std::vector<FoundFace> faces;
    for (const FaceTrack& track : s.tracks) {
      if (static_cast<int>(faces.size()) == s.finder.options.max_faces) break;
      if (auto face = s.follow(frame, track, time)) {
        // Two tracks must not end on one face.
        const bool twice = std::any_of(faces.begin(), faces.end(),
                                       [&](const FoundFace& other) { return overlap(other.box, face->box) > 0.5F; });
        if (!twice) faces.push_back(std::move(*face));
      }
    }
    return s.assign(std::move(faces), false, time);
  });
}

std::vector<TrackedFace> FaceTracker::track_regions(const ImageView& frame, const std::vector<Box>& regions,
                                                    const std::vector<double>& scores, double time) {
  return core_error([&] {
    if (regions.size() != scores.size()) throw Error(ErrorCode::kBadSetting, "one score a region is needed");
    state_->begin_frame(frame, time);
    std::vector<FoundFace> faces;
    for (std::size_t i = 0; i < regions.size(); ++i) faces.push_back({regions[i], state_->finder.align(frame, regions[i], scores[i])});
    state_->since_detection = 1;  // a frame without regions is one on which upstream did not look: the faces are followed
    return state_->assign(std::move(faces), true, time);
  });
}

void FaceTracker::reset() {
  state_->tracks.clear();
  state_->since_detection = 0;
  state_->last_time.reset();
  state_->last_step = 0;
}

}  // namespace fmpn
