#pragma once

#include <gst/video/video.h>

#include <fmpn/error.h>

namespace fmpn::gst {

/// The raw video that these caps describe. Throws kBadSetting, naming the caps, where it is none.
GstVideoInfo raw_video_of(const GstCaps* caps);

/// To be thrown where a buffer could not be mapped as a frame for `purpose` (reading, writing): says what the frame is, and how many
/// bytes it takes and the buffer has.
Error unmapped(const GstVideoInfo& info, GstBuffer* buffer, const char* purpose);

}  // namespace fmpn::gst
