#include <fmpn/motion_mask.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "expect_error.h"

namespace fmpn {
namespace {

Image gray(int side, std::vector<std::uint8_t> pixels) {
  Image image;
  image.width = image.height = side;
  image.format = PixelFormat::kGray8;
  image.pixels = std::move(pixels);
  return image;
}

// Eq. 1 on two pairs of 2×2 faces, by hand:
//   |10 − 0|, |60 − 20|, |0 − 40|, |200 − 0|  =  10  40  40 200
//   |0 − 21|, |10 − 50|, |70 − 30|, |0 − 100| =  21  40  40 100
//   mean: 15.5  40  40  150, in 8 bits: 16  40  40  150
// Histogram equalisation maps a level v to round(255 · (C(v) − C(lowest)) / (4 − C(lowest))), C(v) being the number of
// pixels at or below v: C(16) = 1, C(40) = 3, C(150) = 4, so 16 → 0, 40 → 255 · 2/3 = 170, 150 → 255.
TEST(MotionMask, EquationOneByHand) {
  MotionMaskBuilder builder;
  builder.add(gray(2, {10, 60, 0, 200}).view(), gray(2, {0, 20, 40, 0}).view());
  builder.add(gray(2, {0, 10, 70, 0}).view(), gray(2, {21, 50, 30, 100}).view());
  EXPECT_EQ(builder.pairs(), 2);
  const Image mask = builder.build();
  EXPECT_EQ(mask.width, 2);
  EXPECT_EQ(mask.height, 2);
  EXPECT_EQ(mask.format, PixelFormat::kGray8);
  EXPECT_EQ(mask.pixels, (std::vector<std::uint8_t>{0, 170, 170, 255}));
}

// 0.299 R + 0.587 G + 0.114 B of pure red, green and blue is 76, 150 and 29; black is 0. Against black these are the
// differences: C(0) = 1, C(29) = 2, C(76) = 3, C(150) = 4, so 0 → 0, 29 → 85, 76 → 170, 150 → 255.
TEST(MotionMask, ColourIsTurnedToLuma) {
  Image expressive;
  expressive.width = expressive.height = 2;
  expressive.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0};
  MotionMaskBuilder builder;
  builder.add(expressive.view(), gray(2, {0, 0, 0, 0}).view());
  EXPECT_EQ(builder.build().pixels, (std::vector<std::uint8_t>{170, 255, 85, 0}));
}

TEST(MotionMask, PaddedRowsAreReadByTheirStride) {
  const std::vector<std::uint8_t> padded{10, 60, 99, 99, 0, 200, 99, 99};
  MotionMaskBuilder plain, strided;
  plain.add(gray(2, {10, 60, 0, 200}).view(), gray(2, {0, 0, 0, 0}).view());
  strided.add({padded.data(), 2, 2, 4, PixelFormat::kGray8}, gray(2, {0, 0, 0, 0}).view());
  EXPECT_EQ(strided.build().pixels, plain.build().pixels);
}

TEST(MotionMask, BadPairsAreRefused) {
  const auto square = gray(2, {1, 2, 3, 4});
  const auto larger = gray(3, std::vector<std::uint8_t>(9, 1));
  Image oblong = gray(2, {1, 2});
  oblong.height = 1;
  MotionMaskBuilder builder;
  test::expect_error(ErrorCode::kBadSetting, {"no pair"}, [&] { builder.build(); });
  test::expect_error(ErrorCode::kBadSetting, {"size"}, [&] { builder.add(square.view(), larger.view()); });
  test::expect_error(ErrorCode::kBadSetting, {"square"}, [&] { builder.add(oblong.view(), oblong.view()); });
  test::expect_error(ErrorCode::kBadSetting, {"not a picture"}, [&] { builder.add(ImageView{}, square.view()); });
  builder.add(square.view(), square.view());
  test::expect_error(ErrorCode::kBadSetting, {"3 px", "2 px"}, [&] { builder.add(larger.view(), larger.view()); });
  EXPECT_EQ(builder.pairs(), 1);
}

// A picture that has been equalised stays as it is when equalised again (to a rounding): so the published masks are the
// work of the same equalisation.
TEST(MotionMask, PublishedMasksAreEqualisedThisWay) {
  const char* data = std::getenv("FMPN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "FMPN_TEST_DATA: no published masks beside the checkout";
  int masks = 0;
  for (int number = 0; number < 7; ++number) {
    const auto path = std::filesystem::path(data) / "ckplus/masks/0" / (std::to_string(number) + ".png");
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const Image mask = read_image(path.string());
    const Image black = gray(mask.width, std::vector<std::uint8_t>(static_cast<std::size_t>(mask.width) * mask.height, 0));
    MotionMaskBuilder builder;
    builder.add(mask.view(), black.view());
    const Image again = builder.build();
    int worst = 0;
    for (std::size_t i = 0; i < again.pixels.size(); ++i) worst = std::max(worst, std::abs(again.pixels[i] - mask.pixels[3 * i]));
    EXPECT_LE(worst, 1) << path;
    ++masks;
  }
  EXPECT_EQ(masks, 7);
}

}  // namespace
}  // namespace fmpn
