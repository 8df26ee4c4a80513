#pragma once

#include <gst/gst.h>

#include "common/frame_reader.h"
#include "meter.h"
#include "summary.h"
#include "thumbnails.h"

namespace fmpn::annotate {

/// Looks at every frame that passes a pad, behind the elements that find and classify, and tells the summary, the thumbnails
/// and the meter. Everything happens in the pad's streaming thread; read the results when the pipeline has stopped.
class FrameTap {
 public:
  /// `thumbnails` null: no picture of a face is kept.
  FrameTap(GstPad* pad, Summary* summary, Thumbnails* thumbnails, Meter* meter);

  int width() const { return info_.width; }
  int height() const { return info_.height; }

 private:
  static GstPadProbeReturn look(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void event(GstEvent* event);
  void frame(GstBuffer* buffer);

  Summary* summary_;
  Thumbnails* thumbnails_;
  Meter* meter_;
  GstSegment segment_{};
  GstVideoInfo info_{};
  gst::FrameReader reader_;
  std::uint64_t number_ = 0;
};

}  // namespace fmpn::annotate
