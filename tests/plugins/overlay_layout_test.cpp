#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include <fmpn/labels.h>

#include "overlay_layout.h"
#include "overlay_palette.h"

namespace fmpn::overlay {
namespace {

constexpr Size kFrame{640, 480};

bool inside(const Rect& rect, Size frame) {
  return rect.x >= 0 && rect.y >= 0 && rect.right() <= frame.width && rect.bottom() <= frame.height;
}

LayoutRequest request(Rect face, Size label = {120, 20}, Size panel = {150, 130}) {
  LayoutRequest r;
  r.frame = kFrame;
  r.face = face;
  r.label = label;
  r.panel = panel;
  return r;
}

TEST(Layout, LabelAboveAndBarsBesideAFaceInTheMiddle) {
  const Rect face{250, 200, 100, 100};
  const Layout layout = place(request(face));
  EXPECT_LE(layout.label.bottom(), face.y);
  EXPECT_GE(layout.panel.x, face.right());
  EXPECT_TRUE(intersection(layout.label, layout.panel).empty());
}

TEST(Layout, EverythingStaysInTheFrameWhereverTheFaceIs) {
  for (int y = -90; y <= 470; y += 35) {
    for (int x = -90; x <= 630; x += 35) {
      for (const int side : {40, 100, 300, 700}) {
        const Layout layout = place(request({x, y, side, side}));
        EXPECT_TRUE(inside(layout.label, kFrame)) << x << "," << y << "," << side;
        EXPECT_TRUE(inside(layout.panel, kFrame)) << x << "," << y << "," << side;
        EXPECT_TRUE(intersection(layout.label, layout.panel).empty()) << x << "," << y << "," << side;
      }
    }
  }
}

TEST(Layout, BarsGoToTheSideWithRoomAndAwayFromOtherFaces) {
  const Rect face{250, 200, 100, 100};
  EXPECT_LE(place(request({530, 200, 100, 100})).panel.right(), 530) << "no room right of it";
  LayoutRequest crowded = request(face);
  crowded.avoid = {{355, 190, 120, 120}};
  EXPECT_TRUE(intersection(place(crowded).panel, crowded.avoid[0]).empty());
}

TEST(Layout, BarsDoNotJumpToAndFro) {
  // Where the face wanders over the line at which the right side has no more room and back, the bars change sides once.
  LayoutRequest r = request({0, 200, 100, 100});
  std::set<int> spots;
  for (const int x : {400, 395, 388, 386, 388, 386, 388, 386}) {
    r.face.x = x;
    const Layout layout = place(r);
    r.previous_spot = layout.spot;
    if (x <= 388) spots.insert(layout.spot);
  }
  EXPECT_EQ(spots.size(), 1U);
}

TEST(Layout, NothingIsPlacedWhereThereIsNothing) {
  const Layout layout = place(request({10, 10, 50, 50}, {}, {}));
  EXPECT_TRUE(layout.label.empty());
  EXPECT_TRUE(layout.panel.empty());
}

TEST(Layout, UnionAndIntersection) {
  EXPECT_EQ(united({}, {3, 4, 5, 6}), (Rect{3, 4, 5, 6}));
  EXPECT_EQ(united({0, 0, 2, 2}, {3, 4, 5, 6}), (Rect{0, 0, 8, 10}));
  EXPECT_EQ(intersection({0, 0, 5, 5}, {3, 4, 5, 6}), (Rect{3, 4, 2, 1}));
  EXPECT_TRUE(intersection({0, 0, 2, 2}, {3, 4, 5, 6}).empty());
}

TEST(Palettes, EveryExpressionHasAColourOfItsOwnExceptInMono) {
  for (const Palette palette : {Palette::kOkabeIto, Palette::kViridis}) {
    std::set<std::tuple<int, int, int>> colours;
    for (const auto name : kExpressions) {
      const Rgb c = expression_colour(palette, name);
      colours.insert({c.r, c.g, c.b});
    }
    EXPECT_EQ(colours.size(), kExpressions.size());
  }
  EXPECT_EQ(expression_colour(Palette::kMono, "anger"), expression_colour(Palette::kMono, "fear"));
}

TEST(Palettes, AForeignNameKeepsItsColour) {
  EXPECT_EQ(expression_colour(Palette::kOkabeIto, "boredom"), expression_colour(Palette::kOkabeIto, "boredom"));
  EXPECT_NO_THROW(expression_colour(Palette::kViridis, ""));
}

TEST(Palettes, TheHeatMapIsPremultipliedAndOpaqueOnlyWhereItIsHot) {
  const auto map = heat_map(0.6);
  EXPECT_EQ(map[0], 0U) << "still skin stays visible";
  EXPECT_EQ(map[255] >> 24, 153U) << "0.6 of 255";
  std::uint32_t last = 0;
  for (const std::uint32_t word : map) {
    const std::uint32_t alpha = word >> 24;
    EXPECT_GE(alpha, last);
    last = alpha;
    for (const int shift : {0, 8, 16}) EXPECT_LE(word >> shift & 255, alpha) << "premultiplied";
  }
  for (const std::uint32_t word : heat_map(0)) EXPECT_EQ(word, 0U);
}

}  // namespace
}  // namespace fmpn::overlay
