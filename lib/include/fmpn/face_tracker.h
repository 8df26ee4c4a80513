#pragma once

#include <cstdint>
#include <vector>
#include <memory>

#include <fmpn/aligner.h>

namespace fmpn {

struct TrackerOptions {
  int detect_interval = 5;  ///< full detection every so many frames, ≥ 1; in between each face is followed
  double keep_time = 1.5;   ///< a face that is lost keeps its id for so many seconds, ≥ 0
};

struct TrackedFace {
  std::uint32_t id = 0;  ///< never 0, never used twice by one tracker
  bool detected = true;  ///< found by the detector on this frame, not followed
  AlignedFace face;
  double first_seen = 0;  ///< the time of the frame on which it came up
};

/// Faces with stable ids over the frames of one stream. Between detections the detector looks once at the region where a face should be
/// by now, at the face's own scale, and the box moves as the landmarks have moved since it was detected. A face is known again by its
/// place, the way it was moving, and its looks: ids survive one face passing in front of another, and an occlusion of `keep_time`.
/// For one thread at a time, and one stream. All that takes a frame throws kBadSetting for one without pixels, and for a time that is not
/// finite.
class FMPN_API FaceTracker {
 public:
  /// Throws kBadSetting for an option out of range, and what Aligner throws.
  FaceTracker(const AlignerOptions& aligner, const TrackerOptions& tracker);
  ~FaceTracker();

  /// `time` in seconds, any origin. After a jump, back or by more than `keep_time` where frames were closer, every face is a new one.
  /// At most max_faces: on a frame that is searched the largest first, on others in the order in which their tracks began.
  /// With `hurry` a full detection that is due waits, for up to three more intervals, if there are faces to follow (a late stream). An
  /// interval of 1 stays one.
  std::vector<TrackedFace> track(const ImageView& frame, double time, bool hurry = false);

  /// Regions that an upstream detector found on this frame are used instead of the own detector. One result a region, in
  /// their order. Throws kBadSetting for a region that Aligner::align() refuses, and for another number of scores.
  std::vector<TrackedFace> track_regions(const ImageView& frame, const std::vector<Box>& regions,
                                         const std::vector<double>& scores, double time);

  /// Forgets every face (seek, new stream, frames of another size: places on those mean something else). Ids go on counting.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn
