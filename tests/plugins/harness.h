#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <opencv2/imgproc.hpp>

#include "common/face_annotation.h"
#include "photograph.h"

namespace fmpn::test {

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using Buffer = std::unique_ptr<GstBuffer, BufferUnref>;

/// gst-check's harness around a piece of a pipeline, with a bus to read messages from.
class Harness {
 public:
  explicit Harness(const std::string& launch) : harness_(gst_harness_new_parse(launch.c_str())), bus_(gst_bus_new()) {
    gst_element_set_bus(harness_->element, bus_);
    gst_harness_set_live(harness_, FALSE);  // as a file: every frame waits for its own result
  }
  ~Harness() {
    gst_element_set_bus(harness_->element, nullptr);
    gst_harness_teardown(harness_);
    gst_object_unref(bus_);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  GstHarness* get() { return harness_; }

  void caps(const GstVideoInfo& info) {
    info_ = info;
    gst_harness_set_src_caps(harness_, gst_video_info_to_caps(&info_));
  }

  /// Pushes a frame and pulls what came of it; null where the flow was not OK.
  Buffer push(Buffer buffer) {
    if (gst_harness_push(harness_, buffer.release()) != GST_FLOW_OK) return nullptr;
    return Buffer(gst_harness_pull(harness_));
  }

  /// What a flushing seek sends through.
  void flush() {
    gst_harness_push_event(harness_, gst_event_new_flush_start());
    gst_harness_push_event(harness_, gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(harness_, gst_event_new_segment(&segment));
  }

  /// What a seek that does not flush sends through: running time goes on where it was.
  void go_on_at(GstClockTime position, GstClockTime running_time) {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = segment.position = position;
    segment.base = running_time;
    gst_harness_push_event(harness_, gst_event_new_segment(&segment));
  }

  /// The next message of a type within a second; null where none came.
  GstMessage* message(GstMessageType type) { return gst_bus_timed_pop_filtered(bus_, GST_SECOND, type); }

  /// The structures of all element messages of this name so far.
  std::vector<std::string> element_messages(const char* name) {
    std::vector<std::string> found;
    while (GstMessage* one = gst_bus_pop_filtered(bus_, GST_MESSAGE_ELEMENT)) {
      if (gst_message_has_name(one, name)) {
        gchar* text = gst_structure_to_string(gst_message_get_structure(one));
        found.emplace_back(text);
        g_free(text);
      }
      gst_message_unref(one);
    }
    return found;
  }

 private:
  GstHarness* harness_;
  GstBus* bus_;
  GstVideoInfo info_{};
};

inline GstVideoInfo video_info(const char* format, int width, int height) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, gst_video_format_from_string(format), static_cast<guint>(width), static_cast<guint>(height));
  GST_VIDEO_INFO_FPS_N(&info) = 30;
  GST_VIDEO_INFO_FPS_D(&info) = 1;
  return info;
}

/// An RGB picture as a buffer of `info`'s format; `padding` bytes are added to every row, and before every plane.
inline Buffer make_buffer(const cv::Mat& rgb, const GstVideoInfo& info, int padding = 0, int frame = 0) {
  GstVideoInfo in_info = video_info("RGB", info.width, info.height);
  // The converter changes neither rate nor interlacing, and insists that both sides agree.
  GST_VIDEO_INFO_FPS_N(&in_info) = info.fps_n;
  GST_VIDEO_INFO_FPS_D(&in_info) = info.fps_d;
  GST_VIDEO_INFO_INTERLACE_MODE(&in_info) = GST_VIDEO_INFO_INTERLACE_MODE(&info);
  GstBuffer* in = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&in_info), nullptr);
  cv::Mat resized;
  cv::resize(rgb, resized, {info.width, info.height}, 0, 0, cv::INTER_AREA);
  GstVideoFrame from, to;
  gst_video_frame_map(&from, &in_info, in, GST_MAP_WRITE);
  for (int y = 0; y < info.height; ++y)
    std::memcpy(static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&from, 0)) + y * GST_VIDEO_FRAME_PLANE_STRIDE(&from, 0), resized.ptr(y),
                static_cast<std::size_t>(info.width) * 3);

  GstVideoInfo padded = info;
  gsize size = 0;
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(&info); ++p) {
    padded.stride[p] += padding;
    padded.offset[p] = size + static_cast<gsize>(padding);
    gint component[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component(info.finfo, p, component);
    size =
        padded.offset[p] + static_cast<gsize>(padded.stride[p] * GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(info.finfo, component[0], info.height));
  }
  padded.size = std::max<gsize>(size, GST_VIDEO_INFO_SIZE(&info));
  GstBuffer* out = gst_buffer_new_allocate(nullptr, padded.size, nullptr);
  gst_buffer_memset(out, 0, 0x5a, padded.size);
  if (padding > 0)
    gst_buffer_add_video_meta_full(out, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info), static_cast<guint>(info.width),
                                   static_cast<guint>(info.height), GST_VIDEO_INFO_N_PLANES(&info), padded.offset, padded.stride);
  gst_video_frame_map(&to, &info, out, GST_MAP_WRITE);
  GstVideoConverter* converter = gst_video_converter_new(&in_info, &info, nullptr);
  gst_video_converter_frame(converter, &from, &to);
  gst_video_converter_free(converter);
  gst_video_frame_unmap(&from);
  gst_video_frame_unmap(&to);
  gst_buffer_unref(in);
  GST_BUFFER_PTS(out) = static_cast<GstClockTime>(frame) * GST_SECOND / 30;
  GST_BUFFER_DURATION(out) = GST_SECOND / 30;
  return Buffer(out);
}

inline double sum_of(const gst::ExpressionAnnotation& expression) {
  double sum = 0;
  for (const auto& [name, p] : expression.distribution) sum += p;
  return sum;
}

}  // namespace fmpn::test
