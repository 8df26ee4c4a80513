#include "common/frame_reader.h"

#include <set>

#include "harness.h"

namespace fmpn::test {
namespace {

using gst::FrameReader;

const char* const kFormats[] = {"I420", "YV12", "NV12", "NV21", "Y42B", "Y444",  "YUY2", "YVYU",      "UYVY", "BGRx",
                                "BGRA", "RGBx", "RGBA", "BGR",  "RGB",  "GRAY8", "ARGB", "P010_10LE", "v210"};

class ReaderFormats : public PhotographTest, public ::testing::WithParamInterface<const char*> {};
class Reader : public PhotographTest {};

std::vector<std::uint8_t> pixels_of(const ImageView& view, const cv::Rect& part) {
  const cv::Mat mat(view.height, view.width, CV_8UC(channels(view.format)), const_cast<std::uint8_t*>(view.data),
                    static_cast<std::size_t>(view.stride));
  const cv::Mat copy = mat(part).clone();
  return {copy.datastart, copy.dataend};
}

TEST_P(ReaderFormats, PartsAreThePixelsOfTheWhole) {
  for (const auto& [width, height] : {std::pair{512, 600}, std::pair{511, 599}}) {
    const auto info = video_info(GetParam(), width, height);
    const Buffer buffer = make_buffer(photo_, info, 32);
    FrameReader whole_reader, part_reader;
    whole_reader.set_format(info), part_reader.set_format(info);
    const auto whole = whole_reader.read(buffer.get());
    for (const Box& part : {Box{101.5F, 77, 150, 130}, Box{-20, -30, 100, 90}, Box{430, 500, 200, 300}, Box{203, 301, 3, 5}}) {
      const auto picture = part_reader.read(buffer.get());
      const ImageView seen = picture->view_of({part, {300, 20, 40, 40}});
      const cv::Rect inside =
          cv::Rect(static_cast<int>(part.x), static_cast<int>(part.y), static_cast<int>(part.width), static_cast<int>(part.height)) &
          cv::Rect(0, 0, width, height);
      EXPECT_EQ(pixels_of(seen, inside), pixels_of(whole->view(), inside)) << width << " " << inside;
    }
    // Far out of the frame, and nothing at all: nothing to see, and no fault.
    const auto picture = part_reader.read(buffer.get());
    picture->view_of({{5000, 5000, 50, 50}, {-400, -400, 20, 20}});
    EXPECT_EQ(picture->view_of({}).width, width);
  }
}

TEST_P(ReaderFormats, BesideTheFrameThereIsItsBorder) {
  const auto info = video_info(GetParam(), 512, 600);
  cv::Mat inverse;
  cv::bitwise_not(photo_, inverse);
  const Buffer earlier = make_buffer(inverse, info), now = make_buffer(photo_, info);
  FrameReader reader, whole_reader;
  reader.set_format(info), whole_reader.set_format(info);
  reader.read(earlier.get())->view();
  const auto picture = reader.read(now.get()), whole = whole_reader.read(now.get());
  const ImageView seen = picture->view_of({{700, 100, 50, 50}, {-90, 300, 50, 50}, {100, 650, 20, 20}});
  for (const cv::Rect& border : {cv::Rect(511, 100, 1, 50), cv::Rect(0, 300, 1, 50), cv::Rect(100, 599, 20, 1)})
    EXPECT_EQ(pixels_of(seen, border), pixels_of(whole->view(), border)) << border;
}

TEST_P(ReaderFormats, TheLumaIsThatOfTheWhole) {
  const auto info = video_info(GetParam(), 511, 599);
  const Buffer buffer = make_buffer(photo_, info, 32);
  FrameReader reader;
  reader.set_format(info);
  const auto picture = reader.read(buffer.get());
  const auto luma = picture->luma();
  const bool quick = !std::set<std::string>{"RGB", "GRAY8", "ARGB", "P010_10LE", "v210"}.count(GetParam());
  ASSERT_EQ(luma.has_value(), quick);
  if (!quick) return;
  ASSERT_EQ(luma->format, PixelFormat::kGray8);
  cv::Mat expected;
  const ImageView rgb = picture->view();
  cv::cvtColor(cv::Mat(rgb.height, rgb.width, CV_8UC3, const_cast<std::uint8_t*>(rgb.data), static_cast<std::size_t>(rgb.stride)), expected,
               cv::COLOR_RGB2GRAY);
  const cv::Mat found(luma->height, luma->width, CV_8UC1, const_cast<std::uint8_t*>(luma->data), static_cast<std::size_t>(luma->stride));
  cv::Mat difference;
  cv::absdiff(expected, found, difference);
  EXPECT_LT(cv::mean(difference)[0], 2.5);
  // 16…235 is spread: black and white are where they are in RGB.
  double low = 0, high = 0, expected_low = 0, expected_high = 0;
  cv::minMaxLoc(found, &low, &high);
  cv::minMaxLoc(expected, &expected_low, &expected_high);
  EXPECT_NEAR(low, expected_low, 6);
  EXPECT_NEAR(high, expected_high, 6);
}

TEST_F(Reader, GrayOfVideosRangeIsSpread) {
  auto narrow = video_info("GRAY8", 512, 600);
  const auto whole = narrow;
  narrow.colorimetry.range = GST_VIDEO_COLOR_RANGE_16_235;
  // The bytes that a limited range has for the photograph.
  cv::Mat gray, squeezed;
  cv::cvtColor(photo_, gray, cv::COLOR_RGB2GRAY);
  gray.convertTo(squeezed, CV_8U, 219.0 / 255, 16);
  const auto seen = [&](const cv::Mat& bytes, const GstVideoInfo& info) {
    cv::Mat rgb;
    cv::cvtColor(bytes, rgb, cv::COLOR_GRAY2RGB);
    const Buffer buffer = make_buffer(rgb, whole);
    FrameReader reader;
    reader.set_format(info);
    const auto picture = reader.read(buffer.get());
    const ImageView view = picture->view(), part = picture->view_of({{10, 10, 30, 30}});
    EXPECT_EQ(view.format, PixelFormat::kGray8);
    EXPECT_EQ(pixels_of(part, {10, 10, 30, 30}), pixels_of(view, {10, 10, 30, 30}));
    return cv::Mat(600, 512, CV_8UC1, pixels_of(view, {0, 0, 512, 600}).data()).clone();
  };
  cv::Mat difference;
  cv::absdiff(seen(gray, whole), seen(squeezed, narrow), difference);
  double most = 0;
  cv::minMaxLoc(difference, nullptr, &most);
  EXPECT_LE(most, 2);
}

TEST_F(Reader, FullRangeLumaIsReadWhereItLies) {
  auto info = video_info("I420", 512, 600);
  info.colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
  const Buffer buffer = make_buffer(photo_, info);
  FrameReader reader;
  reader.set_format(info);
  const auto picture = reader.read(buffer.get());
  GstMapInfo map;
  ASSERT_TRUE(gst_buffer_map(buffer.get(), &map, GST_MAP_READ));
  EXPECT_EQ(picture->luma()->data, map.data);
  gst_buffer_unmap(buffer.get(), &map);
}

INSTANTIATE_TEST_SUITE_P(Raw, ReaderFormats, ::testing::ValuesIn(kFormats), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace fmpn::test
