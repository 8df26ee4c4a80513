#pragma once

#include <vector>

#include <gst/video/video.h>

#include "overlay_painter.h"

namespace fmpn::overlay {

/// The painted parts of a picture, in its own coordinates: rectangles apart from each other that together hold every pixel which is
/// not quite transparent, and leave the face's inside out. In the frame their corners lie on even pixels, or on the picture's border: two
/// pixels share a colour there.
std::vector<Rect> painted_parts(const OverlayPicture& picture);

/// Blends the picture into the frame, which is mapped for reading and writing. The painted pixels become what
/// gst_video_overlay_composition_blend() makes of them; in formats whose pixels can be addressed, no others are touched. False where
/// GStreamer cannot blend into the format.
bool blend(const OverlayPicture& picture, GstVideoFrame& frame);

}  // namespace fmpn::overlay
