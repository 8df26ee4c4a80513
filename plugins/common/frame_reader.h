#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <gst/video/video.h>

#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

#include "raw_video.h"

namespace fmpn::gst {

/// The part of the frame that a crop shows, with what averaging takes in around it; `warp` leads from the frame to the crop.
Box shown_by(const Affine& warp, int crop_size);

/// Shows a buffer of any raw format as RGB or gray pixels in 0…255, converting as little as is asked for. RGB, and GRAY8 of the whole
/// range, are read where they lie. One instance a stream; not thread safe.
class FrameReader {
  struct State;

 public:
  FrameReader();
  ~FrameReader();

  /// For the buffers from now on. Throws kBadSetting for a format that GStreamer cannot convert.
  void set_format(const GstVideoInfo& info);

  /// Gives the memory of conversions back; set_format() comes before the next read().
  void release();

  /// A mapped buffer; its views are valid as long as it lives, and until the reader's next read().
  class Picture {
   public:
    Picture(State& reader, GstBuffer* buffer);

    /// The whole frame, RGB or gray.
    ImageView view();
    /// The whole frame's luma in 0…255, for who looks for shapes: much less work than view() where the format has a luma plane or
    /// its pixels are interleaved simply. Nothing for other formats.
    std::optional<ImageView> luma();
    /// As view(), but only the pixels inside these parts (clipped to the frame) are those of the frame.
    ImageView view_of(const std::vector<Box>& parts);

   private:
    State& reader_;
    MappedFrame frame_;
    bool converted_ = false;
  };

  /// Throws kRuntime where the buffer cannot be mapped.
  std::unique_ptr<Picture> read(GstBuffer* buffer);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace fmpn::gst
