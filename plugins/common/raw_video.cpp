#include "raw_video.h"

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

Error unmapped(const GstVideoInfo& info, GstBuffer* buffer, const char* purpose) {
  return Error(ErrorCode::kRuntime, std::string("a buffer cannot be mapped for ") + purpose + " as a video frame of " +
                                        GST_VIDEO_INFO_NAME(&info) + " " + std::to_string(info.width) + "×" + std::to_string(info.height) +
                                        ", which takes " + std::to_string(GST_VIDEO_INFO_SIZE(&info)) + " bytes; it has " +
                                        std::to_string(gst_buffer_get_size(buffer)));
}

}  // namespace fmpn::gst
