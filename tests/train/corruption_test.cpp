#include "corruption.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

Image flat(int width, int height, std::vector<std::uint8_t> pixel) {
  Image image{{}, width, height, pixel.size() == 1 ? PixelFormat::kGray8 : PixelFormat::kRgb8};
  for (int i = 0; i < width * height; ++i) image.pixels.insert(image.pixels.end(), pixel.begin(), pixel.end());
  return image;
}

/// Gray, black on the left, white on the right.
Image edge(int side) {
  Image image = flat(side, side, {0});
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<int>(i) % side < side / 2 ? 0 : 255;
  return image;
}

Image after(const Image& image, const std::string& corruption) { return corrupted(image.view(), {parse_corruption(corruption)}); }

using Pixels = std::vector<std::uint8_t>;

TEST(Corruption, Resize) {
  const Image larger = after(flat(6, 4, {10, 20, 30}), "resize:2.5");
  EXPECT_EQ(larger.width, 15);
  EXPECT_EQ(larger.height, 10);
  EXPECT_EQ(larger.pixels, flat(15, 10, {10, 20, 30}).pixels);
  const Image ramp{{100, 150}, 2, 1, PixelFormat::kGray8}, longer = after(ramp, "resize:2");
  for (std::size_t x = 0; x < 4; ++x) EXPECT_NEAR(longer.pixels[x] + longer.pixels[7 - x], 250, 1) << "the middle stays the middle";
  for (std::size_t x = 0; x < 3; ++x) EXPECT_LT(longer.pixels[x], longer.pixels[x + 1]) << "no pixel is repeated";
  EXPECT_EQ(after(edge(8), "resize:0.25").pixels, (Pixels{0, 255, 0, 255})) << "2 × 2";
  EXPECT_EQ(after(Image{{0, 100, 50, 250}, 2, 2, PixelFormat::kGray8}, "resize:0.5").pixels, (Pixels{100})) << "the mean of the area";
  EXPECT_EQ(after(flat(3, 3, {7}), "resize:0.0625").pixels, (Pixels{7})) << "a pixel remains";
}

TEST(Corruption, Blur) {
  const Image out = after(edge(32), "blur:2");
  // An ideal edge becomes the normal distribution's integral: half way at the edge, 0.84 of the way a σ further.
  const auto at = [&](int x) { return out.pixels[static_cast<std::size_t>(16 * 32 + x)] / 255.0; };
  EXPECT_NEAR((at(15) + at(16)) / 2, 0.5, 0.01);
  EXPECT_NEAR((at(17) + at(18)) / 2, 0.841, 0.02);
  EXPECT_EQ(at(0), 0);
  EXPECT_EQ(at(31), 1);
}

TEST(Corruption, Noise) {
  const Image gray = flat(100, 100, {128}), out = after(gray, "noise:20");
  double sum = 0, squares = 0;
  for (const auto p : out.pixels) sum += p - 128, squares += (p - 128) * (p - 128);
  EXPECT_NEAR(sum / 1e4, 0, 1);
  EXPECT_NEAR(std::sqrt(squares / 1e4), 20, 1);
  EXPECT_EQ(after(gray, "noise:20").pixels, out.pixels);
  Image lighter = after(flat(100, 100, {129}), "noise:20");
  for (auto& p : lighter.pixels) --p;
  EXPECT_NE(lighter.pixels, out.pixels) << "another picture, other noise";
  const Image colour = after(flat(10, 10, {100, 120, 140}), "noise:5");
  for (std::size_t i = 0; i < colour.pixels.size(); i += 3) {
    EXPECT_EQ(colour.pixels[i + 1] - colour.pixels[i], 20) << "the luma alone";
    EXPECT_EQ(colour.pixels[i + 2] - colour.pixels[i], 40);
  }
}

TEST(Corruption, Jpeg) {
  Image colours = flat(64, 64, {0, 0, 0});
  for (std::size_t i = 0; i < colours.pixels.size(); ++i) colours.pixels[i] = static_cast<std::uint8_t>(i * i % 251);
  test::TemporaryFolder folder;
  write_image(folder.file("a.jpg"), colours.view());
  EXPECT_EQ(after(colours, "jpeg:95").pixels, read_image(folder.file("a.jpg")).pixels) << "OpenCV's files have quality 95";
  const auto error = [](const Image& a, const Image& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
    return sum / static_cast<double>(a.pixels.size());
  };
  const Image noise = after(flat(64, 64, {128}), "noise:40");
  EXPECT_EQ(after(noise, "jpeg:90").format, PixelFormat::kGray8);
  EXPECT_LT(error(after(noise, "jpeg:100"), noise), 1);
  EXPECT_GT(error(after(noise, "jpeg:5"), noise), 20);
}

TEST(Corruption, BrightnessAndContrast) {
  const Image picture{{10, 50, 100, 200}, 4, 1, PixelFormat::kGray8};  // mean 90
  EXPECT_EQ(after(picture, "brightness:0.5").pixels, (Pixels{5, 25, 50, 100}));
  EXPECT_EQ(after(picture, "brightness:2").pixels, (Pixels{20, 100, 200, 255}));
  EXPECT_EQ(after(picture, "contrast:0.5").pixels, (Pixels{50, 70, 95, 145}));
  EXPECT_EQ(after(picture, "contrast:2").pixels, (Pixels{0, 10, 110, 255}));
  EXPECT_EQ(after(flat(1, 1, {30, 60, 90}), "contrast:0.5").pixels, (Pixels{45, 60, 75})) << "one mean for all channels";
}

TEST(Corruption, Rotate) {
  Image picture{Pixels(30), 6, 5, PixelFormat::kGray8};
  std::iota(picture.pixels.begin(), picture.pixels.end(), std::uint8_t{0});
  const Pixels turned(picture.pixels.rbegin(), picture.pixels.rend());
  EXPECT_EQ(after(picture, "rotate:180").pixels, turned);
  EXPECT_EQ(after(picture, "rotate:-180").pixels, turned);
  Image square{{1, 2, 3, 4}, 2, 2, PixelFormat::kGray8};
  EXPECT_EQ(after(square, "rotate:90").pixels, (Pixels{2, 4, 1, 3})) << "against the clock";
  Image wide{Pixels{10, 20, 30, 40, 10, 20, 30, 40}, 4, 2, PixelFormat::kGray8};
  const Image upright = after(wide, "rotate:90");  // of the row that stands up only the middle fits; beside it the edge is repeated
  EXPECT_EQ(upright.pixels, (Pixels{30, 30, 30, 30, 20, 20, 20, 20}));
}

TEST(Corruption, OneAfterTheOther) {
  const Image picture = flat(4, 4, {200});
  const auto both = [&](const char* first, const char* second) {
    return corrupted(picture.view(), {parse_corruption(first), parse_corruption(second)}).pixels.front();
  };
  EXPECT_EQ(both("brightness:2", "brightness:0.5"), 128) << "255 / 2, rounded to even";
  EXPECT_EQ(both("brightness:0.5", "brightness:2"), 200);
  EXPECT_EQ(corrupted(picture.view(), {}).pixels, picture.pixels);
}

TEST(Corruption, BadSettingsAreRefused) {
  for (const char* limit : {"resize:0.0625", "resize:16", "blur:0.1", "noise:128", "jpeg:1", "jpeg:100", "rotate:180", "rotate:-180"})
    EXPECT_NO_THROW(parse_corruption(limit)) << limit;
  EXPECT_EQ(parse_corruption("rotate:-12.5").strength, -12.5);
  const auto refused = [](const char* text, const char* part) {
    test::expect_error(ErrorCode::kBadSetting, {part}, [&] { parse_corruption(text); });
  };
  refused("fog:1", "no corruption 'fog'; there are blur:SIGMA, brightness:FACTOR, contrast:FACTOR, jpeg:QUALITY, ");
  refused("", "no corruption ''");
  refused("blur", "'blur' is not blur:SIGMA, SIGMA a number of 0.1…50");
  refused("blur:", "0.1…50");
  refused("blur:1x", "0.1…50");
  refused("blur:0", "0.1…50");
  refused("blur:nan", "0.1…50");
  refused("blur:1,jpeg:30", "0.1…50");
  refused("jpeg:101", "QUALITY a whole number of 1…100");
  refused("jpeg:40.5", "QUALITY a whole number of 1…100");
  refused("resize:17", "0.0625…16");
  test::expect_error(ErrorCode::kBadSetting, {"a picture of 1100×1 would become longer than 16384 pixels"},
                     [] { after(flat(1100, 1, {0}), "resize:16"); });
}

}  // namespace
}  // namespace fmpn::train
