#include "overlay_composition.h"

#include <gst/video/video.h>

namespace fmpn::overlay {
namespace {

using Pixels = std::shared_ptr<const std::vector<std::uint8_t>>;

void drop_pixels(gpointer pixels) { delete static_cast<Pixels*>(pixels); }

RectanglePtr make_rectangle(const OverlayPicture& picture) {
  // The buffer shares the painter's pixels and keeps them alive; it is read-only, so nobody writes into the painter's
  // cache.
  auto* owner = new Pixels(picture.pixels);
  gsize offsets[GST_VIDEO_MAX_PLANES]{};
  gint strides[GST_VIDEO_MAX_PLANES]{4 * picture.width};
  const auto width = static_cast<guint>(picture.width);
  const auto height = static_cast<guint>(picture.height);
  const gsize size = (*owner)->size();
  GstBuffer* buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t*>((*owner)->data()), size, 0, size,
                                                  owner, drop_pixels);
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height, 1, offsets,
                                 strides);
  RectanglePtr rectangle(gst_video_overlay_rectangle_new_raw(buffer, picture.x, picture.y, width, height,
                                                             GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA));
  gst_buffer_unref(buffer);
  return rectangle;
}

}  // namespace

CompositionPtr CompositionBuilder::build(const std::vector<std::pair<int, OverlayPicture>>& pictures,
                                         GstVideoOverlayComposition* below) {
  CompositionPtr composition(below != nullptr ? gst_video_overlay_composition_copy(below)
                                              : gst_video_overlay_composition_new(nullptr));
  std::map<int, Kept> now;
  for (const auto& [id, picture] : pictures) {
    Kept kept;
    const auto before = kept_.find(id);
    const bool same = before != kept_.end() && before->second.serial == picture.serial && before->second.x == picture.x &&
                      before->second.y == picture.y;
    if (same) kept = std::move(before->second);
    else kept = {picture.serial, picture.x, picture.y, make_rectangle(picture)};
    gst_video_overlay_composition_add_rectangle(composition.get(), kept.rectangle.get());
    now.insert_or_assign(id, std::move(kept));
  }
  kept_ = std::move(now);
  return composition;
}

}  // namespace fmpn::overlay
