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

/// The painted parts of a picture, in its own coordinates: rectangles apart from each other that together hold every pixel which is
/// not quite transparent, and leave the face's inside out. In the frame their corners lie on even pixels, or on the picture's border: two
/// pixels share a colour there.
std::vector<Rect> painted_parts(const OverlayPicture& picture);

/// How a picture becomes rectangles: as one, which is what a sink uploads, or in its painted parts, which is what is quickly blended.
enum class Cut { kWhole, kParts };

/// Turns pictures into GStreamer's rectangles. A picture that has not changed keeps its rectangle, and with it the
/// sequence number by which sinks know what they have uploaded, and the copy that blending has converted to the video's
/// format.
class CompositionBuilder {
 public:
  /// All pictures of a frame, each with the id of its face. `below`, which may be null, is what upstream wants to be
  /// drawn; ours comes on top of it.
  CompositionPtr build(const std::vector<std::pair<int, OverlayPicture>>& pictures, GstVideoOverlayComposition* below,
                       Cut cut = Cut::kWhole);

  void clear() { kept_.clear(); }

 private:
  struct Kept {
    std::uint64_t serial = 0;
    int x = 0;
    int y = 0;
    Cut cut = Cut::kWhole;
    std::vector<RectanglePtr> rectangles;
  };
  std::map<int, Kept> kept_;
};

}  // namespace fmpn::overlay
