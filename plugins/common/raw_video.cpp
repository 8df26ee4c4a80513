#include "raw_video.h"

#include <cstddef>
#include <string>

namespace fmpn::gst {

GstVideoInfo raw_video_of(const GstCaps* caps) {
  GstVideoInfo info;
  if (gst_video_info_from_caps(&info, caps)) return info;
  gchar* text = gst_caps_to_string(caps);
  const Error fault(ErrorCode::kBadSetting, std::string("no raw video: ") + text);
  g_free(text);
  throw fault;
}

MappedFrame::MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, int flags) {
  if (gst_video_frame_map(&frame_, &info, buffer, static_cast<GstMapFlags>(flags))) return;
  throw Error(ErrorCode::kRuntime,
              std::string("a buffer cannot be mapped for ") + ((flags & GST_MAP_WRITE) != 0 ? "writing" : "reading") +
                  " as a video frame of " + GST_VIDEO_INFO_NAME(&info) + " " + std::to_string(info.width) + "×" +
                  std::to_string(info.height) + ", which takes " + std::to_string(GST_VIDEO_INFO_SIZE(&info)) + " bytes; it has " +
                  std::to_string(gst_buffer_get_size(buffer)));
}

GstVideoFrame part_of(const GstVideoFrame& frame, int x, int y, int width, int height) {
  GstVideoFrame part = frame;
  const GstVideoFormatInfo* format = frame.info.finfo;
  // Components of one plane agree on where a pixel begins, but for chroma that lies between two of YUY2's: luma, which comes first, tells.
  for (guint c = GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); c-- > 0;) {
    const guint plane = GST_VIDEO_FORMAT_INFO_PLANE(format, c);
    const int row = y >> GST_VIDEO_FORMAT_INFO_H_SUB(format, c), column = x >> GST_VIDEO_FORMAT_INFO_W_SUB(format, c);
    part.data[plane] = static_cast<guint8*>(frame.data[plane]) +
                       static_cast<std::ptrdiff_t>(row) * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane) +
                       static_cast<std::ptrdiff_t>(column) * GST_VIDEO_FORMAT_INFO_PSTRIDE(format, c);
  }
  part.info.width = width;
  part.info.height = height;
  return part;
}

}  // namespace fmpn::gst
