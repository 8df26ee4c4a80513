#pragma once

#include <memory>

#include <gst/video/video.h>

#include <fmpn/image_view.h>

namespace fmpn::gst {

/// Shows a buffer of any raw format as RGB or gray pixels. RGB and GRAY8 are read where they lie; everything else is
/// converted. One instance a stream; not thread safe.
class FrameReader {
 public:
  FrameReader();
  ~FrameReader();

  /// For the buffers from now on. Throws kBadSetting for a format that GStreamer cannot convert.
  void set_format(const GstVideoInfo& info);

  /// A mapped buffer; its view is valid as long as it lives, and until the reader's next read().
  class Picture {
   public:
    explicit Picture(const GstVideoFrame& frame) : frame_(frame) {}
    ~Picture() { gst_video_frame_unmap(&frame_); }
    Picture(const Picture&) = delete;
    Picture& operator=(const Picture&) = delete;
    const ImageView& view() const { return view_; }

   private:
    friend class FrameReader;
    GstVideoFrame frame_;
    ImageView view_;
  };

  /// Throws kRuntime where the buffer cannot be mapped.
  std::unique_ptr<Picture> read(GstBuffer* buffer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn::gst
