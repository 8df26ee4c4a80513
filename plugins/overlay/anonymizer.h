#pragma once

#include <gst/video/video.h>

#include "overlay_layout.h"

namespace fmpn::overlay {

enum class Anonymize { kNone, kBlur, kPixelate, kBox };

/// Whether hide() can work on this raw format in this way: all 8-bit formats without tiles or a colour table.
bool can_hide(const GstVideoFormatInfo* format);

/// The area around a face that has to go: a little more than its box, inside the frame.
Rect hidden_area(const Rect& face, Size frame);

/// Makes the area of a frame (mapped for writing) unrecognisable, in place.
void hide(GstVideoFrame* frame, const Rect& area, Anonymize how);

}  // namespace fmpn::overlay
