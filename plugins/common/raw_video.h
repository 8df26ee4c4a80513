#pragma once

#include <gst/video/video.h>

#include <fmpn/error.h>

namespace fmpn::gst {

/// The raw video that these caps describe. Throws kBadSetting, naming the caps, where it is none.
GstVideoInfo raw_video_of(const GstCaps* caps);

/// A buffer mapped as a video frame, for as long as it lives.
class MappedFrame {
 public:
  /// `flags`: GstMapFlags and GstVideoFrameMapFlags. Throws kRuntime where the buffer cannot be mapped: says what the frame is, and how
  /// many bytes it takes and the buffer has.
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, int flags);
  ~MappedFrame() { gst_video_frame_unmap(&frame_); }
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;
  GstVideoFrame& get() { return frame_; }

 private:
  GstVideoFrame frame_;
};

/// The same frame, of which only a part is seen, as long as that one is mapped. The part begins where no pixels share a colour with others
/// left of it or above (of 4:2:0: on even ones). Of formats whose pixels have no bytes of their own (tiled, packed) a part begins at 0, 0.
GstVideoFrame part_of(const GstVideoFrame& frame, int x, int y, int width, int height);

}  // namespace fmpn::gst
