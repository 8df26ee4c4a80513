#pragma once

#include <cstdint>
#include <vector>

#include <fmpn/aligner.h>

#include "core/face_finder.h"

namespace fmpn {

/// What a face looks like, coarsely: enough to tell two people apart who stand side by side, not to recognise anyone.
struct FaceLooks {
  std::vector<float> pattern;  ///< gray values of the aligned crop, shrunk, mean 0 and length 1
  float color[3] = {0, 0, 0};  ///< mean of the crop, 0…1
};

FaceLooks looks_of(const Image& crop);

/// 0: the same; about 0.1 for one face from frame to frame, 0.3 and more between two people.
float unlikeness(const FaceLooks& a, const FaceLooks& b);

/// Distance of the centres in units of the larger box, and a difference in size: 0 is the same place.
float distance(const Box& a, const Box& b);

/// One face through time.
struct FaceTrack {
  std::uint32_t id = 0;
  Box box;              ///< where it was seen last; may reach beyond the frame
  double first_seen = 0;  ///< seconds
  double seen_at = 0;
  Point centre;  ///< of its landmarks
  float velocity[2] = {0, 0};  ///< pixels a second, smoothed
  FaceLooks looks;
  Box anchor;            ///< as a detector framed it last,
  Affine anchor_warp{};  ///< and its warp then

  /// Where it should be at `time`: it goes on as it went, for a second.
  Box expected(double time) const;
  /// The box in which a detector would frame it: the last one, moved as the landmarks have moved since. Followed so, it does not
  /// jump with the detector's grid, nor wander where nothing moves.
  Box carried(const Affine& warp) const;
  /// The detector's windows lie on a grid: its new box of a face that was followed is averaged with the carried one. Where they are far
  /// apart the detector's word stands.
  Box steadied(const Box& box, const Affine& warp) const;
  void see(const FoundFace& found, double time);
};

/// For each face the index of its track, or -1. Best pairs first; a pair further apart than a face can have moved is none.
std::vector<int> match(const std::vector<FoundFace>& faces, const std::vector<FaceTrack>& tracks, double time);

}  // namespace fmpn
