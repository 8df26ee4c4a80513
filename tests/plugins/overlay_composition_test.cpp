#include <gtest/gtest.h>

#include "overlay_composition.h"
#include "overlay_gallery.h"

namespace fmpn::overlay {
namespace {

using test::picture_at;

TEST(CompositionBuilder, KeepsTheRectangleOfWhatHasNotChanged) {
  CompositionBuilder builder;
  const auto first_of = [](const CompositionPtr& composition) {
    return gst_video_overlay_rectangle_get_seqnum(gst_video_overlay_composition_get_rectangle(composition.get(), 0));
  };
  std::vector<std::pair<int, OverlayPicture>> pictures{{1, picture_at({240, 160, 160, 160})}};
  const auto one = builder.build(pictures, nullptr);
  EXPECT_EQ(gst_video_overlay_composition_n_rectangles(one.get()), 1U);
  EXPECT_EQ(first_of(builder.build(pictures, nullptr)), first_of(one));
  pictures.front().second.x += 2;
  EXPECT_NE(first_of(builder.build(pictures, nullptr)), first_of(one));
}

}  // namespace
}  // namespace fmpn::overlay
