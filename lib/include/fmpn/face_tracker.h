#pragma once

#include <cstdint>
#include <vector>
#include <memory>

#include <fmpn/aligner.h>

namespace fmpn {

struct TrackerOptions {
  int detect_interval = 5;  ///< full detection every so many frames, ≥ 1; in between each face is followed
  int keep_frames = 30;     ///< a face that is lost keeps its id for so many frames
};

struct TrackedFace {
  std::uint32_t id = 0;  ///< never 0, never used twice by one tracker
  bool detected = true;  ///< found by the detector on this frame, not followed
  AlignedFace face;
};

/// Faces with stable ids over the frames of one stream. Between detections a face is searched near where it was,
/// by the detector on a small region at about the face's own scale.
class FMPN_API FaceTracker {
 public:
  FaceTracker(const AlignerOptions& aligner, const TrackerOptions& tracker);
  ~FaceTracker();

  std::vector<TrackedFace> track(const ImageView& frame);

  /// Regions that an upstream detector found on this frame are used instead of the own detector.
  std::vector<TrackedFace> track_regions(const ImageView& frame, const std::vector<Box>& regions,
                                         const std::vector<double>& scores);

  /// Forgets every face (seek, new stream). Ids go on counting.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn
