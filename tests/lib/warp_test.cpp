#include <cmath>
#include <random>

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <fmpn/aligner.h>

#include "expect_error.h"

namespace fmpn {
namespace {

Image noise(int width, int height, PixelFormat format) {
  Image image;
  image.width = width;
  image.height = height;
  image.format = format;
  std::mt19937 generator(7);
  for (int i = 0; i < width * height * channels(format); ++i) image.pixels.push_back(static_cast<std::uint8_t>(generator() & 0xff));
  return image;
}

/// The template, turned by `degrees`, enlarged and shifted.
Landmarks moved_template(double degrees, double scale, double x, double y) {
  const double a = scale * std::cos(degrees * M_PI / 180), b = scale * std::sin(degrees * M_PI / 180);
  Landmarks marks;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const Point p = kStandardTemplate[i];
    marks[i] = {static_cast<float>(a * p.x - b * p.y + x), static_cast<float>(b * p.x + a * p.y + y)};
  }
  return marks;
}

TEST(AlignmentWarp, TakesASimilarTemplateExactlyToTheTemplate) {
  for (const double degrees : {0.0, 15.0, -40.0, 170.0})
    for (const double scale : {40.0, 231.0}) {
      const Landmarks marks = moved_template(degrees, scale, 312.5, -17.25);
      const Affine warp = alignment_warp(marks, 52);
      for (std::size_t i = 0; i < marks.size(); ++i) {
        const Point at = apply(warp, marks[i]);
        EXPECT_NEAR(at.x, 52 * kStandardTemplate[i].x, 1e-3) << degrees << "° " << scale;
        EXPECT_NEAR(at.y, 52 * kStandardTemplate[i].y, 1e-3) << degrees << "° " << scale;
      }
    }
}

TEST(AlignmentWarp, IsASimilarityWithTheLeastSumOfSquares) {
  Landmarks marks = moved_template(12, 100, 50, 60);
  marks[2].x += 9, marks[4].y -= 6, marks[0].y += 3;  // no similarity fits these exactly
  const Affine best = alignment_warp(marks, 64);
  EXPECT_NEAR(best[0], best[4], 1e-12);
  EXPECT_NEAR(best[1], -best[3], 1e-12);
  const auto squares = [&](const Affine& m) {
    double sum = 0;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const double dx = m[0] * marks[i].x + m[1] * marks[i].y + m[2] - 64.0 * kStandardTemplate[i].x;
      const double dy = m[3] * marks[i].x + m[4] * marks[i].y + m[5] - 64.0 * kStandardTemplate[i].y;
      sum += dx * dx + dy * dy;
    }
    return sum;
  };
  const double least = squares(best);
  EXPECT_GT(least, 1);
  for (const double step : {1e-3, -1e-3}) {
    EXPECT_GT(squares({best[0] + step, best[1], best[2], best[3], best[4] + step, best[5]}), least);
    EXPECT_GT(squares({best[0], best[1] - step, best[2], best[3] + step, best[4], best[5]}), least);
    EXPECT_GT(squares({best[0], best[1], best[2] + step, best[3], best[4], best[5]}), least);
    EXPECT_GT(squares({best[0], best[1], best[2], best[3], best[4], best[5] + step}), least);
  }
}

TEST(AlignmentWarp, BadArgumentsAreRefused) {
  const Landmarks one_point{Point{3, 4}, Point{3, 4}, Point{3, 4}, Point{3, 4}, Point{3, 4}};
  test::expect_error(ErrorCode::kBadSetting, {"one point"}, [&] { alignment_warp(one_point, 52); });
  Landmarks not_a_number = kStandardTemplate;
  not_a_number[1].x = std::nanf("");
  test::expect_error(ErrorCode::kBadSetting, {}, [&] { alignment_warp(not_a_number, 52); });
  for (const int size : {-1, 0, 7, 1025})
    test::expect_error(ErrorCode::kBadSetting, {"crop-size"}, [&] { alignment_warp(kStandardTemplate, size); });
}

TEST(WarpFace, IdentityIsIdentity) {
  const Image picture = noise(64, 64, PixelFormat::kRgb8);
  const Image crop = warp_face(picture.view(), {1, 0, 0, 0, 1, 0}, 64);
  EXPECT_EQ(crop.width, 64);
  EXPECT_EQ(crop.format, PixelFormat::kRgb8);
  EXPECT_EQ(crop.pixels, picture.pixels);
}

TEST(WarpFace, AShiftByWholePixelsCopiesAndRepeatsTheEdge) {
  const Image picture = noise(20, 20, PixelFormat::kGray8);
  const Image crop = warp_face(picture.view(), {1, 0, 6, 0, 1, -5}, 20);
  ASSERT_EQ(crop.format, PixelFormat::kRgb8);  // gray input still gives an RGB crop
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) {
      const int from_x = std::max(0, x - 6), from_y = std::min(19, y + 5);
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(crop.pixels[static_cast<std::size_t>(3 * (20 * y + x) + c)],
                  picture.pixels[static_cast<std::size_t>(20 * from_y + from_x)])
            << x << ',' << y;
    }
}

// Stripes one pixel wide are gray from afar. Bilinear sampling alone would show bands.
TEST(WarpFace, MuchSmallerCropsAreAveragedNotAliased) {
  Image stripes;
  stripes.width = stripes.height = 512;
  stripes.format = PixelFormat::kGray8;
  for (int i = 0; i < 512 * 512; ++i) stripes.pixels.push_back(i % 2 == 0 ? 0 : 254);
  const Image crop = warp_face(stripes.view(), {0.11, 0, 0, 0, 0.11, 0}, 52);
  for (const std::uint8_t v : crop.pixels) ASSERT_NEAR(v, 127, 16);
}

// Averaging must not move the picture: a bright spot lands where the warp says.
TEST(WarpFace, AveragingKeepsPositions) {
  for (const double scale : {0.9, 0.49, 0.3, 0.13}) {
    cv::Mat picture(400, 400, CV_8UC1, cv::Scalar(0));
    cv::circle(picture, {200, 120}, 40, cv::Scalar(255), cv::FILLED);
    const int size = static_cast<int>(400 * scale);
    const Image crop = warp_face({picture.data, 400, 400, 400, PixelFormat::kGray8}, {scale, 0, 1.5, 0, scale, -2.5}, size);
    double mass = 0, mx = 0, my = 0;
    for (int y = 0; y < size; ++y)
      for (int x = 0; x < size; ++x) {
        const double v = crop.pixels[static_cast<std::size_t>(3 * (size * y + x))];
        mass += v, mx += v * x, my += v * y;
      }
    EXPECT_NEAR(mx / mass, scale * 200 + 1.5, 0.1) << scale;
    EXPECT_NEAR(my / mass, scale * 120 - 2.5, 0.1) << scale;
  }
}

TEST(WarpFace, OnePixelAndFarAwayRegionsGiveACrop) {
  const Image dot = noise(1, 1, PixelFormat::kRgb8);
  for (const Affine& warp :
       {Affine{1, 0, 0, 0, 1, 0}, Affine{0.01, 0, 0, 0, 0.01, 0}, Affine{30, 0, 5, 0, 30, 5}, Affine{1, 0, 9e5, 0, 1, 9e5}}) {
    const Image crop = warp_face(dot.view(), warp, 16);
    ASSERT_EQ(crop.pixels.size(), 16U * 16 * 3);
    for (std::size_t i = 0; i < crop.pixels.size(); ++i) ASSERT_EQ(crop.pixels[i], dot.pixels[i % 3]);
  }
}

TEST(WarpFace, FramesWiderThanOpenCVsWarpsCanCount) {
  const Image part = noise(64, 64, PixelFormat::kGray8);
  const int width = 40'000, left = 39'000;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * 64);
  for (int y = 0; y < 64; ++y)
    std::copy_n(&part.pixels[static_cast<std::size_t>(64 * y)], 64, &pixels[static_cast<std::size_t>(width * y + left)]);
  const Image there = warp_face({pixels.data(), width, 64, width, PixelFormat::kGray8}, {1.25, 0, -1.25 * (left + 16), 0, 1.25, -20}, 32);
  EXPECT_EQ(there.pixels, warp_face(part.view(), {1.25, 0, -20, 0, 1.25, -20}, 32).pixels);
}

TEST(WarpFace, ViewsThatAreNoPictureAreRefused) {
  const Image picture = noise(16, 16, PixelFormat::kRgb8);
  ImageView narrow = picture.view();
  narrow.stride = 16;
  for (const ImageView& view : {ImageView{}, narrow, ImageView{picture.pixels.data(), 0, 16, 48, PixelFormat::kRgb8}})
    test::expect_error(ErrorCode::kBadSetting, {"not a picture"}, [&] { warp_face(view, {1, 0, 0, 0, 1, 0}, 16); });
  for (const double none : {static_cast<double>(NAN), static_cast<double>(INFINITY)})
    test::expect_error(ErrorCode::kBadSetting, {"finite"}, [&] { warp_face(picture.view(), {1, 0, none, 0, 1, 0}, 16); });
}

TEST(WholePicture, IsSqueezedToTheCrop) {
  Image picture;
  picture.width = 40;
  picture.height = 20;
  for (int i = 0; i < 800; ++i) picture.pixels.insert(picture.pixels.end(), {10, 200, 90});
  const Image crop = whole_picture_crop(picture.view(), 16);
  ASSERT_EQ(crop.width, 16);
  ASSERT_EQ(crop.height, 16);
  for (std::size_t i = 0; i < crop.pixels.size(); ++i) ASSERT_EQ(crop.pixels[i], picture.pixels[i % 3]);
}

}  // namespace
}  // namespace fmpn
