#include <gtest/gtest.h>

#include "overlay_composition.h"
#include "overlay_gallery.h"

namespace fmpn::overlay {
namespace {

using test::whole_face;

constexpr Size kFrame{640, 480};

OverlayPicture picture_at(const Box& box, bool mask = false) {
  PainterSettings settings;
  settings.show_landmarks = true;
  settings.show_mask = mask;
  OverlayPainter painter(settings);
  return painter.paint(whole_face(1, box), kFrame).value();
}

/// The bytes of a gray I420 frame after the pictures were blended in, cut as asked.
std::vector<std::uint8_t> blended(const std::vector<std::pair<int, OverlayPicture>>& pictures, Cut cut) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, static_cast<guint>(kFrame.width), static_cast<guint>(kFrame.height));
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, 110, GST_VIDEO_INFO_SIZE(&info));
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE);
  CompositionBuilder builder;
  EXPECT_TRUE(gst_video_overlay_composition_blend(builder.build(pictures, nullptr, cut).get(), &frame));
  gst_video_frame_unmap(&frame);
  std::vector<std::uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  gst_buffer_unref(buffer);
  return bytes;
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

TEST(PaintedParts, BlendToTheSameBytesAsTheWhole) {
  for (const int shift : {0, 1}) {
    const float s = static_cast<float>(shift);
    const std::vector<std::pair<int, OverlayPicture>> pictures{{1, picture_at({40 + s, 60, 120, 130})},
                                                               {2, picture_at({300, 150 + s, 160, 160}, true)}};
    const auto whole = blended(pictures, Cut::kWhole), parts = blended(pictures, Cut::kParts);
    EXPECT_EQ(whole, parts) << "at an offset of " << shift;
    EXPECT_NE(whole, std::vector<std::uint8_t>(whole.size(), 110));
  }
}

TEST(CompositionBuilder, KeepsRectanglesOfWhatHasNotChangedAndCutsAnewWhenAsked) {
  CompositionBuilder builder;
  const std::vector<std::pair<int, OverlayPicture>> pictures{{1, picture_at({240, 160, 160, 160})}};
  const auto first_of = [](const CompositionPtr& composition) {
    return gst_video_overlay_rectangle_get_seqnum(gst_video_overlay_composition_get_rectangle(composition.get(), 0));
  };
  const auto one = builder.build(pictures, nullptr);
  EXPECT_EQ(gst_video_overlay_composition_n_rectangles(one.get()), 1U);
  EXPECT_EQ(first_of(builder.build(pictures, nullptr)), first_of(one));
  const auto cut = builder.build(pictures, nullptr, Cut::kParts);
  EXPECT_GT(gst_video_overlay_composition_n_rectangles(cut.get()), 3U);
  EXPECT_EQ(first_of(builder.build(pictures, nullptr, Cut::kParts)), first_of(cut));
}

}  // namespace
}  // namespace fmpn::overlay
