#pragma once

#include <memory>
#include <string>

#include <gst/video/video.h>

namespace fmpn::bench {

/// What one would write without this project: dlib's detector on every whole frame, its landmarks, a warp, the same networks run eagerly by
/// LibTorch one face after the other, and OpenCV's drawing functions.
class PlainLoop {
 public:
  /// Throws what load_model() throws, and kNotFound for the landmark model.
  PlainLoop(const std::string& model, const std::string& landmark_model);
  ~PlainLoop();
  PlainLoop(const PlainLoop&) = delete;
  PlainLoop& operator=(const PlainLoop&) = delete;

  /// Annotates an I420 frame into a BGR picture of its own. Returns the number of faces.
  int annotate(const GstVideoInfo& info, GstBuffer* frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn::bench
