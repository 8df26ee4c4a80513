#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <gst/video/video-overlay-composition.h>

#include "overlay_painter.h"

namespace fmpn::overlay {

struct UnrefComposition {
  void operator()(GstVideoOverlayComposition* composition) const { gst_video_overlay_composition_unref(composition); }
};
using CompositionPtr = std::unique_ptr<GstVideoOverlayComposition, UnrefComposition>;

struct UnrefRectangle {
  void operator()(GstVideoOverlayRectangle* rectangle) const { gst_video_overlay_rectangle_unref(rectangle); }
};
using RectanglePtr = std::unique_ptr<GstVideoOverlayRectangle, UnrefRectangle>;

/// Turns pictures into GStreamer's rectangles, for sinks that draw. A picture that has not changed keeps its rectangle, and with it
/// the sequence number by which sinks know what they have uploaded.
class CompositionBuilder {
 public:
  /// All pictures of a frame, each with the id of its face. `below`, which may be null, is what upstream wants to be
  /// drawn; ours comes on top of it.
  CompositionPtr build(const std::vector<std::pair<int, OverlayPicture>>& pictures, GstVideoOverlayComposition* below);

  void clear() { kept_.clear(); }

 private:
  struct Kept {
    std::uint64_t serial = 0;
    int x = 0;
    int y = 0;
    RectanglePtr rectangle;
  };
  std::map<int, Kept> kept_;
};

}  // namespace fmpn::overlay
