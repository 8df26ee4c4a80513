#include "mask_set.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include <fmpn/labels.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

using test::expect_error;

Image flat(int side, std::uint8_t value) {
  Image image;
  image.width = image.height = side;
  image.format = PixelFormat::kGray8;
  image.pixels.assign(static_cast<std::size_t>(side) * side, value);
  return image;
}

class MaskSet : public ::testing::Test {
 protected:
  void mask(const std::string& name, std::uint8_t value) { write_image(folder_.file(name), flat(4, value).view()); }
  std::map<std::string, Image> read() { return read_masks(folder_.path().string()); }
  test::TemporaryFolder folder_;
};

TEST_F(MaskSet, ByNameAndByAlias) {
  mask("happy.png", 10), mask("Anger.png", 20);
  test::write_text(folder_.file("readme.txt"), "not a mask");
  const auto masks = read();
  ASSERT_EQ(masks.size(), 2U);
  EXPECT_EQ(masks.at("happiness").pixels[0], 10);
  EXPECT_EQ(masks.at("anger").pixels[0], 20);
  EXPECT_EQ(masks.at("anger").format, PixelFormat::kGray8);
}

// CK+: anger contempt disgust fear happiness sadness surprise; MMI the same without contempt.
TEST_F(MaskSet, NumbersMeanTheOrderOfTheDataSet) {
  for (int i = 0; i < 6; ++i) mask(std::to_string(i) + ".png", static_cast<std::uint8_t>(i));
  auto masks = read();
  ASSERT_EQ(masks.size(), 6U);
  EXPECT_EQ(masks.count("contempt"), 0U);
  EXPECT_EQ(masks.at("anger").pixels[0], 0);
  EXPECT_EQ(masks.at("disgust").pixels[0], 1);
  EXPECT_EQ(masks.at("surprise").pixels[0], 5);
  mask("6.png", 6);
  masks = read();
  ASSERT_EQ(masks.size(), 7U);
  EXPECT_EQ(masks.at("contempt").pixels[0], 1);
  EXPECT_EQ(masks.at("disgust").pixels[0], 2);
  EXPECT_EQ(masks.at("surprise").pixels[0], 6);
  mask("7.png", 7);
  expect_error(ErrorCode::kBadFormat, {folder_.path().string(), "8 numbered"}, [&] { read(); });
}

TEST_F(MaskSet, FaultsNameTheFile) {
  expect_error(ErrorCode::kNotFound, {folder_.file("none")}, [&] { read_masks(folder_.file("none")); });
  expect_error(ErrorCode::kBadFormat, {folder_.path().string(), "no PNG"}, [&] { read(); });
  mask("smile.png", 1);
  expect_error(ErrorCode::kBadFormat, {"smile"}, [&] { read(); });
  test::write_text(folder_.file("smile.png"), "not a picture");
  expect_error(ErrorCode::kBadFormat, {folder_.file("smile.png")}, [&] { read(); });
}

TEST_F(MaskSet, OneMaskAClassAndSquare) {
  mask("happy.png", 1), mask("Happiness.png", 2);
  expect_error(ErrorCode::kBadFormat, {"Happiness.png", "happy.png", "two masks of one class"}, [&] { read(); });
  Image wide = flat(4, 1);
  wide.width = 8, wide.height = 2;
  write_image(folder_.file("happy.png"), wide.view());
  expect_error(ErrorCode::kBadFormat, {"happy.png", "8x2"}, [&] { read(); });
}

TEST_F(MaskSet, OneMaskAClassInTheOrderOfTheClasses) {
  const std::map<std::string, Image> masks{{"anger", flat(4, 51)}, {"fear", flat(7, 255)}};
  for (const int side : {2, 4, 9}) {
    const auto values = masks_for(masks, {"fear", "anger"}, side, "none");
    const auto area = static_cast<std::ptrdiff_t>(side) * side;
    ASSERT_EQ(values.size(), static_cast<std::size_t>(2 * area));
    EXPECT_TRUE(std::all_of(values.begin(), values.begin() + area, [](float v) { return std::abs(v - 1) < 1e-6F; }));
    EXPECT_TRUE(std::all_of(values.begin() + area, values.end(), [](float v) { return std::abs(v - 0.2F) < 1e-6F; }));
  }
}

TEST_F(MaskSet, AClassWithoutAMask) {
  const std::map<std::string, Image> masks{{"anger", flat(4, 51)}, {"fear", flat(4, 255)}};
  expect_error(ErrorCode::kBadFormat, {"neutral", "--missing-mask"}, [&] { masks_for(masks, {"anger", "neutral"}, 4, "none"); });
  EXPECT_EQ(masks_for(masks, {"neutral"}, 4, "zero"), std::vector<float>(16, 0));
  for (const float v : masks_for(masks, {"neutral"}, 4, "mean")) EXPECT_NEAR(v, 0.6, 1e-6);
}

TEST_F(MaskSet, PublishedMasks) {
  const char* data = std::getenv("FMPN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "FMPN_TEST_DATA: no published masks beside the checkout";
  const auto ckplus = read_masks(std::string(data) + "/ckplus/masks/0"), mmi = read_masks(std::string(data) + "/mmi/masks/0");
  EXPECT_EQ(ckplus.size(), 7U);
  EXPECT_EQ(mmi.size(), 6U);
  EXPECT_EQ(ckplus.at("contempt").width, 70);
  EXPECT_EQ(mmi.at("surprise").width, 81);
}

}  // namespace
}  // namespace fmpn::train
