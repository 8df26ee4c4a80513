#include <algorithm>

#include <gtest/gtest.h>

#include "overlay_blending.h"
#include "overlay_composition.h"
#include "overlay_gallery.h"

namespace fmpn::overlay {
namespace {

using test::kFrame;
using test::picture_at;
using test::whole_face;

using Pictures = std::vector<std::pair<int, OverlayPicture>>;

bool blend_by_gstreamer(const Pictures& pictures, GstVideoFrame& frame) {
  CompositionBuilder builder;
  return gst_video_overlay_composition_blend(builder.build(pictures, nullptr).get(), &frame) != FALSE;
}

/// A picture that covers the frame and shows nothing.
OverlayPicture nothing() {
  return {0, 0, kFrame.width, kFrame.height, 1,
          std::make_shared<const std::vector<std::uint8_t>>(static_cast<std::size_t>(4 * kFrame.width * kFrame.height))};
}

/// The bytes of a frame of noise after something was drawn into it; empty where that was refused.
template <typename Draw>
std::vector<std::uint8_t> drawn(GstVideoFormat format, const Draw& draw) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, static_cast<guint>(kFrame.width), static_cast<guint>(kFrame.height));
  std::vector<std::uint8_t> noise(GST_VIDEO_INFO_SIZE(&info));
  std::uint32_t state = 1;
  for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, noise.size(), nullptr);
  gst_buffer_fill(buffer, 0, noise.data(), noise.size());
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE);
  // GStreamer unpacks and packs whole lines: what that changes by itself (padding bits, palettes) it changes here.
  const bool done = blend_by_gstreamer({{1, nothing()}}, frame) && draw(frame);
  gst_video_frame_unmap(&frame);
  gst_buffer_extract(buffer, 0, noise.data(), noise.size());
  gst_buffer_unref(buffer);
  return done ? noise : std::vector<std::uint8_t>{};
}

TEST(PaintedParts, HoldEveryPaintedPixelOnceAndLeaveTheFaceOut) {
  for (const Box& box : {Box{240, 160, 160, 160}, Box{241, 161, 163, 157}, Box{-20, 300, 200, 200}, Box{500, -30, 130, 130}}) {
    const OverlayPicture picture = picture_at(box);
    std::vector<int> held(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height), 0);
    std::size_t area = 0;
    for (const Rect& part : painted_parts(picture)) {
      ASSERT_FALSE(part.empty());
      ASSERT_TRUE(part.x >= 0 && part.y >= 0 && part.right() <= picture.width && part.bottom() <= picture.height);
      EXPECT_TRUE(part.x == 0 || (picture.x + part.x) % 2 == 0);
      EXPECT_TRUE(part.y == 0 || (picture.y + part.y) % 2 == 0);
      for (int y = part.y; y < part.bottom(); ++y)
        for (int x = part.x; x < part.right(); ++x) ++held[static_cast<std::size_t>(y * picture.width + x)];
      area += static_cast<std::size_t>(part.width) * static_cast<std::size_t>(part.height);
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
      ASSERT_LE(held[i], 1);
      ASSERT_TRUE((*picture.pixels)[4 * i + 3] == 0 || held[i] == 1) << "pixel " << i;
    }
    EXPECT_LT(area, held.size() * 7 / 10);
  }
}

TEST(PaintedParts, AMaskIsOnePart) {
  PainterSettings settings;
  settings.show_box = settings.show_label = settings.show_bars = false;
  settings.show_mask = true;
  OverlayPainter painter(settings);
  const OverlayPicture picture = painter.paint(whole_face(1, {240, 160, 160, 160}), kFrame).value();
  EXPECT_EQ(painted_parts(picture).size(), 1U);
}

// Against GStreamer's own function, which blends whole rectangles into whole frames.
TEST(Blend, GivesTheBytesOfGStreamersCompositionInEveryFormat) {
  guint count = 0;
  const GstVideoFormat* formats = gst_video_formats_raw(&count);
  int blended = 0;
  for (guint f = 0; f < count; ++f) {
    const GstVideoFormat format = formats[f];
    for (const int shift : {0, 1, 2, 3}) {
      const float s = static_cast<float>(shift);
      const Pictures pictures{{1, picture_at({40 + s, 60 + s, 120, 130})}, {2, picture_at({300, 150 + s, 160, 160}, true)}};
      const auto whole = drawn(format, [&](GstVideoFrame& frame) { return blend_by_gstreamer(pictures, frame); });
      const auto parts = drawn(format, [&](GstVideoFrame& frame) {
        return std::all_of(pictures.begin(), pictures.end(), [&](const auto& one) { return blend(one.second, frame); });
      });
      EXPECT_TRUE(whole == parts) << gst_video_format_to_string(format) << " at an offset of " << shift;
      blended += whole.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(blended, 200);
}

}  // namespace
}  // namespace fmpn::overlay
