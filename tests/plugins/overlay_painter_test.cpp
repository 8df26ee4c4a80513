#include <limits>

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include "overlay_gallery.h"
#include "photograph.h"

namespace fmpn::overlay {
namespace {

using test::blend;
using test::keep_picture;
using test::kFrame;
using test::whole_face;

PainterSettings only(const char* what) {
  PainterSettings s;
  s.show_box = std::string(what) == "box";
  s.show_label = std::string(what) == "label";
  s.show_bars = std::string(what) == "bars";
  s.show_landmarks = std::string(what) == "landmarks";
  s.show_mask = std::string(what) == "mask";
  return s;
}

std::uint32_t word_at(const OverlayPicture& picture, int frame_x, int frame_y) {
  const int x = frame_x - picture.x, y = frame_y - picture.y;
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return 0;
  std::uint32_t word = 0;
  std::memcpy(&word, picture.pixels->data() + (static_cast<std::size_t>(y) * picture.width + x) * 4, sizeof word);
  return word;
}

std::size_t drawn_pixels(const OverlayPicture& picture) {
  std::size_t n = 0;
  for (std::size_t i = 3; i < picture.pixels->size(); i += 4) n += (*picture.pixels)[i] > 0;
  return n;
}

constexpr Box kBox{240, 160, 160, 160};

TEST(Painter, EverySwitchDrawsItsPartAndNothingElse) {
  PainterSettings none = only("nothing");
  EXPECT_FALSE(OverlayPainter(none).paint(whole_face(1, kBox), kFrame));
  for (const char* part : {"box", "label", "bars", "landmarks", "mask"}) {
    OverlayPainter painter(only(part));
    const auto picture = painter.paint(whole_face(1, kBox), kFrame);
    ASSERT_TRUE(picture) << part;
    EXPECT_GT(drawn_pixels(*picture), 50U) << part;
  }
}

TEST(Painter, OtherSettingsPaintAsANewPainterWould) {
  PainterSettings before, after;
  before.show_mask = after.show_mask = true;
  after.mask_opacity = 0.2;
  after.palette = Palette::kViridis;
  after.font_desc = "Serif 20";
  OverlayPainter changed(before), made(after);
  ASSERT_TRUE(changed.paint(whole_face(1, kBox), kFrame));
  changed.end_frame();
  changed.set(after);
  EXPECT_EQ(*changed.paint(whole_face(1, kBox), kFrame)->pixels, *made.paint(whole_face(1, kBox), kFrame)->pixels);
}

TEST(Painter, TheBoxHasItsClassesColourAndWidth) {
  PainterSettings settings = only("box");
  settings.line_width = 6;
  OverlayPainter painter(settings);
  const auto picture = painter.paint(whole_face(1, kBox), kFrame);
  ASSERT_TRUE(picture);
  const Rgb c = expression_colour(settings.palette, "happiness");
  const std::uint32_t expected = 0xff000000U | static_cast<std::uint32_t>(c.r) << 16 | static_cast<std::uint32_t>(c.g) << 8 | c.b;
  for (int i = 1; i < 5; ++i) EXPECT_EQ(word_at(*picture, 240 + i, 240), expected) << i;  // the left side, inside the box
  EXPECT_EQ(word_at(*picture, 320, 240), 0U) << "the face itself stays free";
  auto face = whole_face(2, kBox, "fear");
  const auto other = painter.paint(face, kFrame);
  ASSERT_TRUE(other);
  EXPECT_NE(word_at(*other, 242, 240), expected);
}

TEST(Painter, AFaceWithoutAnExpressionIsABoxAlone) {
  OverlayPainter painter({});
  auto face = whole_face(1, kBox);
  face.expression.reset();
  const auto picture = painter.paint(face, kFrame);
  ASSERT_TRUE(picture);
  EXPECT_LE(picture->width, 162);
  EXPECT_LE(picture->height, 162);
}

TEST(Painter, TheMaskLiesOnTheFace) {
  PainterSettings settings = only("mask");
  OverlayPainter painter(settings);
  const auto face = whole_face(1, kBox);
  const auto picture = painter.paint(face, kFrame);
  ASSERT_TRUE(picture);
  const auto alpha = [&](Point p) { return word_at(*picture, cvRound(p.x), cvRound(p.y)) >> 24; };
  // Hottest at the mouth's corners, cold on the forehead, in the frame's own pixels.
  EXPECT_GT(alpha((*face.landmarks)[3]), 120U);
  EXPECT_GT(alpha((*face.landmarks)[4]), 120U);
  EXPECT_LT(alpha({(*face.landmarks)[2].x, (*face.landmarks)[2].y}), 60U);
  settings.mask_opacity = 0;
  EXPECT_FALSE(OverlayPainter(settings).paint(face, kFrame));
}

TEST(Painter, NothingLeavesTheFrame) {
  OverlayPainter painter({"Sans", 0, Palette::kOkabeIto, true, true, true, true, true, 0.6});
  int id = 0;
  for (float y = -150; y < 480; y += 60) {
    for (float x = -150; x < 640; x += 60) {
      for (const float side : {30.0F, 160.0F, 900.0F}) {
        const auto picture = painter.paint(whole_face(++id, {x, y, side, side}), kFrame);
        if (!picture) continue;
        EXPECT_GE(picture->x, 0);
        EXPECT_GE(picture->y, 0);
        EXPECT_GT(picture->width, 0);
        EXPECT_GT(picture->height, 0);
        EXPECT_LE(picture->x + picture->width, kFrame.width);
        EXPECT_LE(picture->y + picture->height, kFrame.height);
        EXPECT_EQ(picture->pixels->size(), static_cast<std::size_t>(picture->width) * picture->height * 4);
      }
    }
  }
}

TEST(Painter, IsPremultiplied) {
  OverlayPainter painter({"Sans", 0, Palette::kOkabeIto, true, true, true, true, true, 0.6});
  const auto picture = painter.paint(whole_face(1, kBox), kFrame);
  ASSERT_TRUE(picture);
  for (std::size_t i = 0; i < picture->pixels->size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, picture->pixels->data() + i, sizeof word);
    for (const int shift : {0, 8, 16}) ASSERT_LE(word >> shift & 255, word >> 24);
  }
}

TEST(Painter, AFaceThatOnlyMovesKeepsItsPixels) {
  OverlayPainter painter({});
  const auto first = painter.paint(whole_face(1, kBox), kFrame);
  painter.end_frame();
  const auto moved = painter.paint(whole_face(1, {kBox.x + 7, kBox.y + 3, kBox.width, kBox.height}), kFrame);
  painter.end_frame();
  const auto changed = painter.paint(whole_face(1, kBox, "anger", 0.6), kFrame);
  ASSERT_TRUE(first && moved && changed);
  EXPECT_EQ(moved->serial, first->serial);
  EXPECT_EQ(moved->pixels, first->pixels);
  EXPECT_EQ(moved->x, first->x + 7);
  EXPECT_EQ(moved->y, first->y + 3);
  EXPECT_NE(changed->serial, first->serial);
}

TEST(Painter, TwoFacesHaveTwoPictures) {
  OverlayPainter painter({});
  const auto a = painter.paint(whole_face(1, {50, 200, 100, 100}), kFrame, {{400, 200, 100, 100}});
  const auto b = painter.paint(whole_face(2, {400, 200, 100, 100}), kFrame, {{50, 200, 100, 100}});
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->serial, b->serial);
}

TEST(Painter, NonsenseOfOtherElementsIsNotDrawn) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  OverlayPainter painter({"Sans", 0, Palette::kOkabeIto, true, true, true, true, true, 0.6});
  for (const Box& box : {Box{nan, 0, 10, 10}, Box{0, 0, inf, 10}, Box{5000, 0, 10, 10}, Box{0, 0, 0, 0}}) {
    auto face = whole_face(1, kBox);
    face.box = box;
    EXPECT_FALSE(painter.paint(face, kFrame));
  }
  auto face = whole_face(2, kBox);
  (*face.landmarks)[0] = {nan, inf};
  face.warp = {};
  face.expression->confidence = std::numeric_limits<double>::quiet_NaN();
  face.expression->distribution[0].second = std::numeric_limits<double>::infinity();
  face.expression->label = std::string("\xff\xfe broken \n two lines ") + std::string(5000, 'x');
  EXPECT_TRUE(painter.paint(face, kFrame));
  face.id = 3;
  face.expression->label = "";
  face.expression->distribution.assign(500, {"class", 0.002});
  EXPECT_TRUE(painter.paint(face, kFrame));
  face.box = {5, 5, 20, 20};
  EXPECT_TRUE(painter.paint(face, {40, 30})) << "a frame smaller than any text";
  EXPECT_FALSE(painter.paint(face, {0, 0}));
}

TEST(Painter, FontDescriptionsWithASizeKeepIt) {
  PainterSettings small = only("label"), large = only("label");
  small.font_desc = "Sans 8";
  large.font_desc = "Sans 30";
  const auto a = OverlayPainter(small).paint(whole_face(1, kBox), kFrame);
  const auto b = OverlayPainter(large).paint(whole_face(1, kBox), kFrame);
  ASSERT_TRUE(a && b);
  EXPECT_GT(b->height, 2 * a->height);
}

TEST(Painter, UnicodeLabels) {
  OverlayPainter painter(only("label"));
  for (const char* label : {"Überraschung", "怒り", "سعادة", "😀"}) {
    const auto picture = painter.paint(whole_face(1, kBox, label), kFrame);
    ASSERT_TRUE(picture) << label;
    EXPECT_GT(drawn_pixels(*picture), 100U) << label;
  }
}

class PainterGallery : public test::PhotographTest {
 protected:
  /// Draws the photograph scaled so that its face is `side` px wide, with everything on it.
  cv::Mat drawn(double side, const PainterSettings& settings) {
    const double scale = side / found_.box.width;
    const auto scaled = [&](float value) { return static_cast<float>(value * scale); };
    cv::Mat picture;
    cv::resize(photo_, picture, {}, scale, scale, scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
    OverlayFace face = whole_face(1, {scaled(found_.box.x), scaled(found_.box.y), scaled(found_.box.width), scaled(found_.box.height)});
    for (std::size_t i = 0; i < 5; ++i) (*face.landmarks)[i] = {scaled(found_.landmarks[i].x), scaled(found_.landmarks[i].y)};
    face.warp = alignment_warp(*face.landmarks, 52);
    const auto overlay = OverlayPainter(settings).paint(face, {picture.cols, picture.rows});
    EXPECT_TRUE(overlay);
    if (overlay) blend(*overlay, picture);
    return picture;
  }
  void SetUp() override {
    PhotographTest::SetUp();
    if (IsSkipped()) return;
    AlignerOptions options;
    options.min_face_size = 150;
    auto found = Aligner(options).find(test::view_of(photo_));
    ASSERT_EQ(found.size(), 1U);
    found_ = std::move(found[0]);
  }
  AlignedFace found_;
};

TEST_F(PainterGallery, FromEightyToSixHundredPixels) {
  for (const int side : {80, 200, 600}) {
    PainterSettings plain, all;
    all.show_landmarks = all.show_mask = true;
    keep_picture("face-" + std::to_string(side), drawn(side, plain));
    keep_picture("face-" + std::to_string(side) + "-all", drawn(side, all));
  }
}

TEST_F(PainterGallery, SeveralFacesAndOneAtTheBorder) {
  cv::Mat frame(720, 1280, CV_8UC3, cv::Scalar(70, 90, 110));
  PainterSettings settings;
  settings.show_landmarks = true;
  OverlayPainter painter(settings);
  std::vector<OverlayFace> faces;
  const char* const labels[] = {"happiness", "anger", "surprise", "sadness", "neutral"};
  const Box boxes[] = {{150, 200, 140, 140}, {420, 220, 120, 120}, {560, 230, 110, 110}, {1170, 300, 150, 150}, {700, -40, 170, 170}};
  for (int i = 0; i < 5; ++i) faces.push_back(whole_face(i + 1, boxes[i], labels[i], 0.4 + 0.1 * i));
  faces[2].expression->uncertain = true;
  std::vector<OverlayPicture> pictures;
  for (const auto& face : faces) {
    std::vector<Box> others;
    for (const auto& other : faces)
      if (other.id != face.id) others.push_back(other.box);
    const auto picture = painter.paint(face, {frame.cols, frame.rows}, others);
    ASSERT_TRUE(picture);
    pictures.push_back(*picture);
    blend(*picture, frame);
  }
  keep_picture("several", frame);
  // Nobody's plates lie on another's: where two pictures overlap, at most one has drawn.
  for (std::size_t a = 0; a < pictures.size(); ++a) {
    for (std::size_t b = a + 1; b < pictures.size(); ++b) {
      const Rect shared = intersection({pictures[a].x, pictures[a].y, pictures[a].width, pictures[a].height},
                                       {pictures[b].x, pictures[b].y, pictures[b].width, pictures[b].height});
      for (int y = shared.y; y < shared.bottom(); ++y)
        for (int x = shared.x; x < shared.right(); ++x)
          ASSERT_FALSE(word_at(pictures[a], x, y) != 0 && word_at(pictures[b], x, y) != 0) << a << " and " << b << " at " << x << "," << y;
    }
  }
}

}  // namespace
}  // namespace fmpn::overlay
