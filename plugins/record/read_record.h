#pragma once

#include <gst/gst.h>

#include "frame_record.h"

namespace fmpn::record {

/// Everything that the elements upstream have written on a buffer. `segment` turns its PTS into the medium's time;
/// `frame` is its number.
FrameRecord read_record(GstBuffer* buffer, const GstSegment& segment, std::uint64_t frame);

}  // namespace fmpn::record
