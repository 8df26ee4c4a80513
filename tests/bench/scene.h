#pragma once

#include <memory>
#include <vector>

#include <gst/video/video.h>

namespace fmpn::bench {

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using Buffer = std::unique_ptr<GstBuffer, BufferUnref>;

struct SceneOptions {
  int width = 1280;
  int height = 720;
  int faces = 1;
  int head = 320;    ///< height of each pasted head in pixels; the face that detectors see is about half of it
  int frames = 120;  ///< at most, of one round of the heads' way; the last is followed by the first without a jump
};

/// A film rendered beforehand: heads of the photograph on a grainy wall, each going round a circle of its own at 6 px a frame. Where there is little room the
/// circles are small, and a round has fewer frames.
struct Scene {
  GstVideoInfo info{};          ///< I420
  std::vector<Buffer> frames;

  /// Throws kNotFound where the photograph is not installed, kBadSetting where the heads have no room to move.
  explicit Scene(const SceneOptions& options);
};

}  // namespace fmpn::bench
