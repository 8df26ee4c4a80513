#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmpn/geometry.h>

namespace fmpn::overlay {

/// Where faces have to be hidden: where they are, and for a moment where they were last seen. A face that a detector misses on a
/// single frame must not flash up on it.
class HiddenFaces {
 public:
  /// Seconds that a face's place stays hidden after the face was last seen there, and at least to the next frame, in distances between
  /// frames.
  static constexpr double kHold = 0.5, kHoldFrames = 1.5;

  /// The boxes to hide on a frame: all of its own, and those that are held. `faces` are its faces as track (0: not tracked; it is
  /// hidden on its own frames alone) and box, in any order; several of one track where it is not known in which of them the face is,
  /// or where two elements have given one number to two faces. `time` is the frame's in seconds.
  std::vector<Box> update(const std::vector<std::pair<int, Box>>& faces, double time);

  /// Another stream, or another place in it.
  void reset() { places_.clear(), last_.reset(); }

 private:
  struct Place {
    Box box;
    double seen = 0;
  };
  std::map<std::pair<int, int>, Place> places_;  ///< by track, and which of its boxes
  std::optional<double> last_;                   ///< time of the last frame
};

}  // namespace fmpn::overlay
