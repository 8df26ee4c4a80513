// Before all else: up to GStreamer 1.24 video-blend.h, which is in it, forgets to say that it is C.
#include <gst/gst.h>
extern "C" {
#include <gst/video/video.h>
}

#include "overlay_blending.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <gst/video/video-overlay-composition.h>

#include "common/raw_video.h"

namespace fmpn::overlay {
namespace {

constexpr int kBand = 8;    // rows that are looked at together
constexpr int kBlock = 16;  // pixels of a row that are looked at together
constexpr int kGap = 2;     // blocks of nothing that are not worth a cut

bool anything_in(const OverlayPicture& picture, const Rect& block) {
  for (int y = block.y; y < block.bottom(); ++y) {
    const std::uint8_t* row =
        picture.pixels->data() +
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(block.x)) * 4;
    std::uint8_t found = 0;
    for (int i = 0; i < 4 * block.width; ++i) found |= row[i];
    if (found != 0) return true;
  }
  return false;
}

// The runs of a band that hold something, left to right. Blocks begin on even pixels of the frame.
std::vector<Rect> runs_of(const OverlayPicture& picture, int top, int bottom) {
  std::vector<Rect> runs;
  for (int left = -(picture.x & 1); left < picture.width; left += kBlock) {
    const int x = std::max(left, 0);
    const Rect block{x, top, std::min(left + kBlock, picture.width) - x, bottom - top};
    if (block.empty() || !anything_in(picture, block)) continue;
    if (!runs.empty() && block.x - runs.back().right() <= kGap * kBlock) runs.back().width = block.right() - runs.back().x;
    else runs.push_back(block);
  }
  return runs;
}

// `part` of the picture as a frame. It has no buffer: gst_video_blend() reads nothing but format, size, strides and data.
GstVideoFrame frame_of(const OverlayPicture& picture, const Rect& part) {
  GstVideoFrame frame{};
  gst_video_info_set_format(&frame.info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, static_cast<guint>(part.width),
                            static_cast<guint>(part.height));
  frame.info.stride[0] = 4 * picture.width;
  GST_VIDEO_INFO_FLAGS(&frame.info) =
      static_cast<GstVideoFlags>(GST_VIDEO_INFO_FLAGS(&frame.info) | GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  const auto offset = static_cast<std::size_t>(part.y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(part.x);
  frame.data[0] = const_cast<std::uint8_t*>(picture.pixels->data()) + 4 * offset;  // it is not written to
  return frame;
}

/// A part of a frame as a frame of its own, at (x, y) of the whole.
struct View {
  GstVideoFrame frame;
  int x;
  int y;
};

bool has_views(const GstVideoFormatInfo& format) {
  constexpr auto kNotByPixel = GST_VIDEO_FORMAT_FLAG_COMPLEX | GST_VIDEO_FORMAT_FLAG_TILED | GST_VIDEO_FORMAT_FLAG_PALETTE;
  return (format.flags & kNotByPixel) == 0 &&
         std::all_of(format.pixel_stride, format.pixel_stride + format.n_components, [](gint stride) { return stride > 0; });
}

// The smallest view that holds `part` and cuts no pixels apart that share a colour.
View view_of(const GstVideoFrame& frame, const Rect& part) {
  const GstVideoFormatInfo& format = *frame.info.finfo;
  const int x_step = 1 << *std::max_element(format.w_sub, format.w_sub + format.n_components);
  const int y_step = 1 << *std::max_element(format.h_sub, format.h_sub + format.n_components);
  const int left = part.x / x_step * x_step, top = part.y / y_step * y_step;
  const int right = std::min((part.right() + x_step - 1) / x_step * x_step, GST_VIDEO_FRAME_WIDTH(&frame));
  const int bottom = std::min((part.bottom() + y_step - 1) / y_step * y_step, GST_VIDEO_FRAME_HEIGHT(&frame));
  return {fmpn::gst::part_of(frame, left, top, right - left, bottom - top), left, top};
}

}  // namespace

std::vector<Rect> painted_parts(const OverlayPicture& picture) {
  std::vector<Rect> parts, open;  // open: those that reach down to the band before
  for (int edge = -(picture.y & 1); edge < picture.height; edge += kBand) {
    const int top = std::max(edge, 0);
    std::vector<Rect> runs = runs_of(picture, top, std::min(edge + kBand, picture.height));
    for (Rect& run : runs) {
      const auto above =
          std::find_if(open.begin(), open.end(), [&](const Rect& other) { return other.x == run.x && other.width == run.width; });
      if (above == open.end()) continue;
      run = {above->x, above->y, above->width, run.bottom() - above->y};
      open.erase(above);
    }
    parts.insert(parts.end(), open.begin(), open.end());
    open = std::move(runs);
  }
  parts.insert(parts.end(), open.begin(), open.end());
  return parts;
}

bool blend(const OverlayPicture& picture, GstVideoFrame& frame) {
  if (!has_views(*frame.info.finfo)) {
    GstVideoFrame painted = frame_of(picture, {0, 0, picture.width, picture.height});
    return gst_video_blend(&frame, &painted, picture.x, picture.y, 1) != FALSE;
  }
  for (const Rect& part : painted_parts(picture)) {
    GstVideoFrame painted = frame_of(picture, part);
    const Rect place{picture.x + part.x, picture.y + part.y, part.width, part.height};
    // gst_video_blend() unpacks and packs every line that it touches from border to border: a view has short ones.
    View view = view_of(frame, place);
    if (!gst_video_blend(&view.frame, &painted, place.x - view.x, place.y - view.y, 1)) return false;
  }
  return true;
}

}  // namespace fmpn::overlay
