#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "frame_record.h"
#include "timeline.h"

namespace fmpn::annotate {

/// A stretch of time in which a face's label stayed the same.
struct Episode {
  std::string label;
  double start = 0, end = 0;  ///< seconds
};

/// What is known of one face (track) of a recording.
struct FaceSummary {
  std::uint64_t frames = 0;
  double first = 0, last = 0;              ///< seconds; `last` is the end of the last frame
  double seconds = 0;                      ///< in the picture
  std::map<std::string, double> time_in;   ///< seconds, by label, "uncertain" among them
  std::map<std::string, std::uint64_t> frames_in;  ///< the same in frames: of a picture, which takes no time
  std::vector<double> sum;                 ///< of the distributions over the classified frames
  std::uint64_t classified = 0;
  std::vector<Episode> episodes;
};

/// Adds up a recording frame by frame. Needs memory for faces and changes of label, none for frames.
class Summary {
 public:
  /// A face that is away for longer begins its expression anew, in seconds.
  static constexpr double kAway = 1.0;

  /// In the order of the stream. A frame lasts until the next one begins; the last one as long as it says.
  void add(const record::FrameRecord& frame);
  void finish();

  std::uint64_t frames() const { return frames_; }
  double seconds() const { return seconds_; }
  const std::vector<std::string>& classes() const { return classes_; }
  const std::map<int, FaceSummary>& faces() const { return faces_; }
  const Timeline& timeline() const { return timeline_; }

 private:
  void close(double until);

  std::uint64_t frames_ = 0, frames_with_face_ = 0;
  double seconds_ = 0, end_ = 0;
  std::vector<std::string> classes_;
  std::map<int, FaceSummary> faces_;
  Timeline timeline_;
  std::optional<record::FrameRecord> open_;  ///< the frame whose end is not known yet

  friend nlohmann::ordered_json summary_json(const Summary& summary);
};

/// frames, seconds, classes, faces: [{id, first, last, seconds, frames, dominant, time_in, onsets, mean, episodes}] and the
/// times over all faces. `dominant` is the expression with the most time (of a picture: the most faces), null where none was judged.
nlohmann::ordered_json summary_json(const Summary& summary);

}  // namespace fmpn::annotate
