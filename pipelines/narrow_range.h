#pragma once

#include <gst/video/video.h>

namespace fmpn {

/// Lets only I420 of 16…235 pass a capsfilter behind a videoconvert, where the video before it (a camera's JPEGs, say) has 0…255: x264enc
/// does not tell the range in its stream, which browsers believe, and GStreamer 1.22 does not read it from an mp4. The matrix is another
/// one, since for a change of range alone 1.22's videoconvert copies.
inline void allow_only_narrow_range(GstElement* capsfilter, const GstVideoInfo& video) {
  if (!GST_VIDEO_INFO_IS_YUV(&video) || video.colorimetry.range != GST_VIDEO_COLOR_RANGE_0_255) return;
  const char* narrow = video.colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709 ? GST_VIDEO_COLORIMETRY_BT601 : GST_VIDEO_COLORIMETRY_BT709;
  GstCaps* wanted = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "colorimetry", G_TYPE_STRING, narrow, nullptr);
  g_object_set(capsfilter, "caps", wanted, nullptr);
  gst_caps_unref(wanted);
}

}  // namespace fmpn
