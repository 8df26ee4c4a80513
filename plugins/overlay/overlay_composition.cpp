#include "overlay_composition.h"

#include <memory>

namespace fmpn::overlay {
namespace {

using Pixels = std::shared_ptr<const std::vector<std::uint8_t>>;

GstVideoOverlayRectangle* make_rectangle(const OverlayPicture& picture) {
  auto* kept = new Pixels(picture.pixels);
  // GStreamer does not write into an overlay's pixels; the memory is marked read-only all the same.
  GstBuffer* buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t*>((*kept)->data()), (*kept)->size(), 0,
                                                  (*kept)->size(), kept, [](gpointer data) { delete static_cast<Pixels*>(data); });
  gst_buffer_add_video_meta(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, static_cast<guint>(picture.width), static_cast<guint>(picture.height));
  GstVideoOverlayRectangle* rectangle = gst_video_overlay_rectangle_new_raw(buffer, picture.x, picture.y, static_cast<guint>(picture.width), static_cast<guint>(picture.height),
                                                                            GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref(buffer);
  return rectangle;
}

}  // namespace

GstVideoOverlayComposition* make_composition(const std::vector<OverlayPicture>& pictures, GstVideoOverlayComposition* below) {
  GstVideoOverlayComposition* composition = below != nullptr ? gst_video_overlay_composition_copy(below) : gst_video_overlay_composition_new(nullptr);
  for (const OverlayPicture& picture : pictures) {
    GstVideoOverlayRectangle* rectangle = make_rectangle(picture);
    gst_video_overlay_composition_add_rectangle(composition, rectangle);
    gst_video_overlay_rectangle_unref(rectangle);
  }
  return composition;
}

}  // namespace fmpn::overlay
