#include "picture_source.h"

#include <algorithm>

#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include <fmpn/error.h>
#include <fmpn/image_view.h>

namespace fmpn::annotate {
namespace {

/// GStreamer's rows begin at multiples of four bytes.
GstBuffer* buffer_of(const ImageView& picture, const GstVideoInfo& info) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstMapInfo map;
  if (buffer == nullptr || !gst_buffer_map(buffer, &map, GST_MAP_WRITE)) throw Error(ErrorCode::kRuntime, "no memory for the picture");
  for (int y = 0; y < picture.height; ++y)
    std::copy_n(picture.data + y * picture.stride, std::size_t{3} * static_cast<std::size_t>(picture.width),
                map.data + static_cast<std::size_t>(y) * static_cast<std::size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info, 0)));
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = 0;
  return buffer;
}

}  // namespace

void feed_picture(GstElement* appsrc, const std::string& path) {
  const Image picture = read_image(path);
  GstVideoInfo info;
  if (!gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, static_cast<guint>(picture.width), static_cast<guint>(picture.height)))
    throw Error(ErrorCode::kBadFormat, path + ": a picture of a size that GStreamer does not know");
  GstCaps* caps = gst_video_info_to_caps(&info);  // framerate 0/1: a still
  gst_app_src_set_caps(GST_APP_SRC(appsrc), caps);
  gst_caps_unref(caps);
  // Where the pipeline is failing already, the bus has the reason.
  gst_app_src_push_buffer(GST_APP_SRC(appsrc), buffer_of(picture.view(), info));
  gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
}

}  // namespace fmpn::annotate
