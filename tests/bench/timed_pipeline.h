#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "scene.h"

namespace fmpn::bench {

/// What one run of a pipeline took, per frame after the warm-up.
struct RunTimes {
  double frame_ms = 0;             ///< wall-clock time from frame to frame at the end of the pipeline
  std::vector<double> element_ms;  ///< time that a frame stays in each of the elements asked for
  double faces = 0;                ///< annotated regions a frame at the end
  std::chrono::steady_clock::time_point begun, ended;  ///< when the warm-up was over, and the last frame through
};

/// Pushes a scene round and round through elements, as fast as they take it: appsrc ! ELEMENTS ! fakesink.
class TimedPipeline {
 public:
  /// `elements` as for gst-launch-1.0. `watched`: names of elements in it, one after the other in the same thread, whose share is taken.
  /// Throws kBadSetting where it can't be made.
  TimedPipeline(const Scene& scene, const std::string& elements, std::vector<std::string> watched = {});
  ~TimedPipeline();
  TimedPipeline(const TimedPipeline&) = delete;
  TimedPipeline& operator=(const TimedPipeline&) = delete;

  /// Starts, pushes `warm_up` + `frames` frames, stops. Each frame is a copy of its own that may be drawn into. Throws kRuntime
  /// with the element's error where one occurs.
  RunTimes run(int warm_up, int frames);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Several pipelines at once in one process: the time from when the first of them has warmed up until the last of them is through, divided
/// by the frames of one pipeline.
double run_together(const Scene& scene, const std::string& elements, int streams, int warm_up, int frames);

}  // namespace fmpn::bench
