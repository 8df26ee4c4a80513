#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/geometry.h>

namespace fmpn::record {

/// What is written of one face of a frame.
struct FaceRecord {
  int id = 0;  ///< of the face alone on its frame: the track; less than 0 for a face without one
  Box box;     ///< in the frame's pixels
  double score = 0;    ///< the detector's
  double quality = 0;  ///< 0…1
  std::string label;   ///< a class name or "uncertain"; empty: not classified
  double confidence = 0;
  std::vector<std::pair<std::string, double>> distribution;  ///< in the model's order; empty: not classified
  int frames_ago = 0;                                        ///< 0: inferred on this frame
};

/// One frame of a stream and every face on it.
struct FrameRecord {
  std::uint64_t frame = 0;             ///< counted from 0
  std::optional<double> timestamp;     ///< seconds in the medium (stream time)
  std::optional<std::uint64_t> pts;    ///< as the buffer carries it, in nanoseconds
  std::optional<double> duration;      ///< seconds
  std::vector<FaceRecord> faces;
};

}  // namespace fmpn::record
