#pragma once

#include <vector>

#include <gst/video/video.h>

#include "overlay_painter.h"

namespace fmpn::overlay {

/// The pictures as GStreamer's overlay composition (transfer full), over those of `below` (may be null). The pixels are
/// shared with the painter, not copied.
GstVideoOverlayComposition* make_composition(const std::vector<OverlayPicture>& pictures, GstVideoOverlayComposition* below);

}  // namespace fmpn::overlay
