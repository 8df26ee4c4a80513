#include <fmpn/motion_mask.h>

#include <array>
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

/// A 32×32 picture of four bands of eight rows.
Image bands(const std::array<std::uint8_t, 4>& values) {
  Image image = gray(32, {});
  for (const std::uint8_t value : values) image.pixels.insert(image.pixels.end(), 256, value);
  return image;
}

TEST(MotionMask, LiesWhereTheModelLooks) {
  for (const auto& [crop, side, offset] : {std::array{44, 40, 2}, std::array{320, 299, 10}, std::array{45, 40, 2}, std::array{40, 40, 0}}) {
    EXPECT_EQ(centre_offset(crop, side), offset);
    const Point first = apply(mask_warp({1, 0, 0, 0, 1, 0}, crop, side), {static_cast<float>(offset), static_cast<float>(offset)});
    EXPECT_EQ(first.x, 0) << crop;
    EXPECT_EQ(first.y, 0) << crop;
  }
}

// Eq. 1 on two pairs of faces, by hand, band by band:
//   |10 − 0|, |60 − 20|, |0 − 40|, |200 − 0|  =  10  40  40 200
//   |0 − 21|, |10 − 50|, |70 − 30|, |0 − 100| =  21  40  40 100
//   mean: 15.5  40  40  150, in 8 bits: 16  40  40  150
// Equalisation, the published masks' rule: the step is a 255th of the pixels below the brightest level,
// (1024 − 256) / 255 = 3; a level becomes (step / 2 + darker pixels) / step, all in whole numbers, at most 255:
//   16 → (1 + 0) / 3 = 0,  40 → (1 + 256) / 3 = 85,  150 → (1 + 768) / 3 = 256, so 255.
TEST(MotionMask, EquationOneByHand) {
  MotionMaskBuilder builder;
  builder.add(bands({10, 60, 0, 200}).view(), bands({0, 20, 40, 0}).view());
  builder.add(bands({0, 10, 70, 0}).view(), bands({21, 50, 30, 100}).view());
  EXPECT_EQ(builder.pairs(), 2);
  const Image mask = builder.build();
  EXPECT_EQ(mask.width, 32);
  EXPECT_EQ(mask.height, 32);
  EXPECT_EQ(mask.format, PixelFormat::kGray8);
  EXPECT_EQ(mask.pixels, bands({0, 85, 85, 255}).pixels);
}

// 0.299 R + 0.587 G + 0.114 B of pure red, green and blue is 76, 150 and 29. In a picture of fewer than 255 pixels there is
// no step to count in: it stays as it is.
TEST(MotionMask, ColourIsTurnedToLuma) {
  Image expressive;
  expressive.width = expressive.height = 2;
  expressive.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0};
  MotionMaskBuilder builder;
  builder.add(expressive.view(), gray(2, {0, 0, 0, 0}).view());
  EXPECT_EQ(builder.build().pixels, (std::vector<std::uint8_t>{76, 150, 29, 0}));
}

TEST(MotionMask, NoMotionAtAllIsBlack) {
  MotionMaskBuilder builder;
  builder.add(bands({9, 8, 7, 6}).view(), bands({9, 8, 7, 6}).view());
  EXPECT_EQ(builder.build().pixels, bands({0, 0, 0, 0}).pixels);
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

// A picture equalised once stays as it is when equalised again, unless levels have merged at the bright end: about half of
// the published masks. Another rule (cv::equalizeHist) keeps none of them.
TEST(MotionMask, PublishedMasksAreEqualisedThisWay) {
  namespace fs = std::filesystem;
  const char* data = std::getenv("FMPN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "FMPN_TEST_DATA: no published masks beside the checkout";
  int masks = 0, kept = 0;
  for (const char* set : {"ckplus/masks", "mmi/masks"}) {
    if (!fs::is_directory(fs::path(data) / set)) GTEST_SKIP() << set << " is not there";
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(data) / set)) {
      if (entry.path().extension() != ".png") continue;
      const Image picture = read_image(entry.path().string());
      Image mask = gray(picture.width, {});
      for (std::size_t i = 0; i < picture.pixels.size(); i += 3) mask.pixels.push_back(picture.pixels[i]);
      MotionMaskBuilder builder;
      builder.add(mask.view(), gray(mask.width, std::vector<std::uint8_t>(mask.pixels.size(), 0)).view());
      ++masks;
      kept += builder.build().pixels == mask.pixels ? 1 : 0;
    }
  }
  EXPECT_EQ(masks, 130);
  EXPECT_GE(kept, 55);
}

}  // namespace
}  // namespace fmpn
