#include "overlay_composition.h"

#include <algorithm>

#include <gst/video/video.h>

namespace fmpn::overlay {
namespace {

using Pixels = std::shared_ptr<const std::vector<std::uint8_t>>;

void drop_pixels(gpointer pixels) { delete static_cast<Pixels*>(pixels); }

// `part` in the picture's coordinates.
RectanglePtr make_rectangle(const OverlayPicture& picture, const Rect& part) {
  // The buffer shares the painter's pixels and keeps them alive; it is read-only, so nobody writes into the painter's
  // cache.
  auto* owner = new Pixels(picture.pixels);
  gsize offsets[GST_VIDEO_MAX_PLANES]{};
  gint strides[GST_VIDEO_MAX_PLANES]{4 * picture.width};
  const gsize begin = static_cast<gsize>(part.y) * static_cast<gsize>(strides[0]) + static_cast<gsize>(part.x) * 4;
  const gsize size = static_cast<gsize>(part.height - 1) * static_cast<gsize>(strides[0]) + static_cast<gsize>(part.width) * 4;
  GstBuffer* buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t*>((*owner)->data()),
                                                  (*owner)->size(), begin, size, owner, drop_pixels);
  const auto width = static_cast<guint>(part.width);
  const auto height = static_cast<guint>(part.height);
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height, 1, offsets,
                                 strides);
  RectanglePtr rectangle(gst_video_overlay_rectangle_new_raw(buffer, picture.x + part.x, picture.y + part.y, width, height,
                                                             GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA));
  gst_buffer_unref(buffer);
  return rectangle;
}

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

CompositionPtr CompositionBuilder::build(const std::vector<std::pair<int, OverlayPicture>>& pictures,
                                         GstVideoOverlayComposition* below, Cut cut) {
  CompositionPtr composition(below != nullptr ? gst_video_overlay_composition_copy(below)
                                              : gst_video_overlay_composition_new(nullptr));
  std::map<int, Kept> now;
  for (const auto& [id, picture] : pictures) {
    Kept kept;
    const auto before = kept_.find(id);
    const bool same_pixels = before != kept_.end() && before->second.serial == picture.serial && before->second.cut == cut;
    if (same_pixels && before->second.x == picture.x && before->second.y == picture.y) {
      kept = std::move(before->second);
    } else {
      kept.serial = picture.serial;
      kept.x = picture.x;
      kept.y = picture.y;
      kept.cut = cut;
      const std::vector<Rect> parts =
          cut == Cut::kParts ? painted_parts(picture) : std::vector<Rect>{{0, 0, picture.width, picture.height}};
      for (const Rect& part : parts) kept.rectangles.push_back(make_rectangle(picture, part));
    }
    for (const RectanglePtr& rectangle : kept.rectangles) gst_video_overlay_composition_add_rectangle(composition.get(), rectangle.get());
    now.insert_or_assign(id, std::move(kept));
  }
  kept_ = std::move(now);
  return composition;
}

}  // namespace fmpn::overlay
