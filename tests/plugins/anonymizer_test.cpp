#include <limits>
#include <set>
#include <vector>

#include "anonymizer.h"
#include "harness.h"
#include "hidden_faces.h"
#include "overlay_gallery.h"

namespace fmpn::overlay {
namespace {

using test::Buffer;
using test::make_buffer;
using test::video_info;

/// A frame of `info` in which a chequered square of 40..120 stands on grey, mapped as RGB afterwards.
cv::Mat as_rgb(GstBuffer* buffer, const GstVideoInfo& info) {
  GstVideoInfo rgb = video_info("RGB", info.width, info.height);
  GstBuffer* out = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&rgb), nullptr);
  GstVideoFrame from, to;
  gst_video_frame_map(&from, &info, buffer, GST_MAP_READ);
  gst_video_frame_map(&to, &rgb, out, GST_MAP_WRITE);
  GstVideoConverter* converter = gst_video_converter_new(&info, &rgb, nullptr);
  gst_video_converter_frame(converter, &from, &to);
  gst_video_converter_free(converter);
  cv::Mat picture(info.height, info.width, CV_8UC3);
  for (int y = 0; y < info.height; ++y)
    std::memcpy(picture.ptr(y), static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&to, 0)) + y * GST_VIDEO_FRAME_PLANE_STRIDE(&to, 0),
                static_cast<std::size_t>(info.width) * 3);
  gst_video_frame_unmap(&from);
  gst_video_frame_unmap(&to);
  gst_buffer_unref(out);
  return picture;
}

cv::Mat chequered(int width, int height) {
  cv::Mat picture(height, width, CV_8UC3, cv::Scalar(120, 120, 120));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if (x >= 40 && x < 120 && y >= 40 && y < 120)
        picture.at<cv::Vec3b>(y, x) = (x / 4 + y / 4) % 2 ? cv::Vec3b(250, 40, 40) : cv::Vec3b(20, 230, 60);
  return picture;
}

double contrast(const cv::Mat& rgb, const cv::Rect& where) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(rgb(where), mean, deviation);
  return std::max({deviation[0], deviation[1], deviation[2]});
}

class Hiding : public ::testing::TestWithParam<const char*> {};

TEST_P(Hiding, LeavesNothingOfTheFaceAndTheRestAlone) {
  // GStreamer's own packing of UYVP makes up the last chroma of an odd width.
  const int width = GetParam() == std::string("UYVP") ? 202 : 201;
  const auto info = video_info(GetParam(), width, 175);
  ASSERT_TRUE(can_hide_faces(info.finfo));
  for (const Anonymize how : {Anonymize::kBlur, Anonymize::kPixelate, Anonymize::kBox}) {
    for (const int padding : {0, 32}) {
      Buffer buffer = make_buffer(chequered(width, 175), info, padding);
      const cv::Mat before = as_rgb(buffer.get(), info);
      GstVideoFrame frame;
      ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_READWRITE));
      hide_face(&frame, {40, 40, 80, 80}, how);
      gst_video_frame_unmap(&frame);
      const cv::Mat after = as_rgb(buffer.get(), info);
      const cv::Rect core(44, 44, 70, 70);
      EXPECT_GT(contrast(before, core), 20) << "else this test sees nothing";
      EXPECT_LT(contrast(after, core), 0.25 * contrast(before, core)) << static_cast<int>(how);
      if (how == Anonymize::kBox) {
        EXPECT_LT(cv::mean(after(core))[0], 10);
        EXPECT_LT(cv::mean(after(core))[1], 10);
        EXPECT_LT(cv::mean(after(core))[2], 10);
      }
      // Grown by 15 % and widened to a grid of 8: beyond 24 and 144 nothing is touched.
      cv::Mat difference;
      cv::absdiff(before, after, difference);
      difference(cv::Rect(16, 16, 136, 136)).setTo(cv::Scalar::all(0));
      EXPECT_EQ(cv::countNonZero(difference.reshape(1)), 0) << static_cast<int>(how);
    }
  }
}

TEST_P(Hiding, FacesAtTheBorderAndNonsense) {
  const auto info = video_info(GetParam(), 61, 43);
  const float inf = std::numeric_limits<float>::infinity();
  for (const Anonymize how : {Anonymize::kBlur, Anonymize::kPixelate, Anonymize::kBox}) {
    Buffer buffer = make_buffer(chequered(61, 43), info);
    GstVideoFrame frame;
    ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_READWRITE));
    for (const Box& box : {Box{-30, -20, 50, 50}, Box{50, 30, 400, 400}, Box{60, 42, 1, 1}, Box{500, 500, 10, 10}, Box{0, 0, 0, 5},
                           Box{inf, 0, 5, 5}, Box{0, 0, inf, 5}})
      hide_face(&frame, box, how);
    gst_video_frame_unmap(&frame);
  }
}

INSTANTIATE_TEST_SUITE_P(Raw, Hiding,
                         ::testing::Values("I420", "NV12", "NV21", "YV12", "YUY2", "UYVY", "RGB", "BGRx", "ARGB", "Y444", "GRAY8", "AYUV",
                                           "NV16", "Y41B", "YUV9", "P010_10LE", "I420_10LE", "GRAY16_LE", "ARGB64", "v210", "UYVP", "IYU1",
                                           "Y410", "RGB16", "RGB10A2_LE", "NV12_64Z32", "NV12_4L4", "NV12_10LE32"),
                         [](const auto& info) { return std::string(info.param); });

TEST(HidingFormats, AllButPalettes) {
  for (int i = GST_VIDEO_FORMAT_ENCODED + 1; gst_video_format_to_string(static_cast<GstVideoFormat>(i)) != nullptr; ++i) {
    const GstVideoFormatInfo* info = gst_video_format_get_info(static_cast<GstVideoFormat>(i));
    if (info->unpack_func == nullptr) continue;  // DMABuf, which nobody can map
    EXPECT_EQ(can_hide_faces(info), !GST_VIDEO_FORMAT_INFO_HAS_PALETTE(info)) << GST_VIDEO_FORMAT_INFO_NAME(info);
  }
}

TEST(HiddenFaces, StayHiddenForAMomentWhereTheyWereLastSeen) {
  HiddenFaces hidden;
  const Box first{10, 10, 50, 50}, moved{14, 10, 50, 50}, other{200, 10, 40, 40};
  EXPECT_EQ(hidden.update({{1, first}, {0, other}}, 0).size(), 2U);
  const auto after = hidden.update({{1, moved}}, 0.1);
  ASSERT_EQ(after.size(), 1U) << "what nobody tracks is hidden where it is alone";
  EXPECT_EQ(after[0].x, moved.x);
  const auto missed = hidden.update({}, 0.1 + HiddenFaces::kHold);
  ASSERT_EQ(missed.size(), 1U);
  EXPECT_EQ(missed[0].x, moved.x);
  EXPECT_TRUE(hidden.update({}, 0.2 + HiddenFaces::kHold).empty());
  hidden.update({{2, first}}, 7);
  EXPECT_TRUE(hidden.update({}, 6.9).empty()) << "the stream has jumped back";
  hidden.update({{2, first}}, 7);
  hidden.reset();
  EXPECT_TRUE(hidden.update({}, 7.1).empty());
}

TEST(HiddenFaces, EveryBoxIsHiddenWhateverTracksTheyHaveInWhatOrder) {
  const auto box = [](int x) { return Box{static_cast<float>(x), 10, 50, 50}; };
  for (const std::vector<int>& tracks : {std::vector<int>{1, 2, 1}, {1, 2, 1, 2, 1}, {0, 1, 0, 1}, {2, 2, 1, 2}, {-1, 1, -1, 0}}) {
    HiddenFaces hidden;
    std::vector<std::pair<int, Box>> faces;
    std::set<float> lefts;
    for (const int track : tracks) {
      const int x = 60 * static_cast<int>(faces.size());
      faces.emplace_back(track, box(x));
      lefts.insert(static_cast<float>(x));
    }
    for (const double time : {0.0, 0.1, 0.1}) {
      std::set<float> found;
      const auto boxes = hidden.update(faces, time);
      for (const Box& one : boxes) found.insert(one.x);
      EXPECT_EQ(found, lefts);
      EXPECT_EQ(boxes.size(), tracks.size()) << "each once";
    }
  }
}

TEST(HiddenFaces, StayHiddenOnTheNextFrameHoweverFewThereAre) {
  for (const double step : {0.04, 0.5, 1.0, 10.0}) {
    HiddenFaces hidden;
    hidden.update({{1, {10, 10, 50, 50}}}, 0);
    hidden.update({{1, {12, 10, 50, 50}}}, step);
    EXPECT_EQ(hidden.update({}, 2 * step).size(), 1U) << step;
    EXPECT_EQ(hidden.update({}, 3 * step).size(), step < 0.1 ? 1U : 0U) << step;
  }
}

class HidingGallery : public test::PhotographTest {};

TEST_F(HidingGallery, OfAPhotographOnWhichNoFaceIsFoundAfterwards) {
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  AlignerOptions options;
  options.min_face_size = 100;
  Aligner aligner(options);
  const auto found = aligner.find(test::view_of(photo_));
  ASSERT_EQ(found.size(), 1U);
  for (const Anonymize how : {Anonymize::kBlur, Anonymize::kPixelate, Anonymize::kBox}) {
    Buffer buffer = make_buffer(photo_, info);
    GstVideoFrame frame;
    ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_READWRITE));
    hide_face(&frame, found[0].box, how);
    gst_video_frame_unmap(&frame);
    const cv::Mat after = as_rgb(buffer.get(), info);
    EXPECT_TRUE(aligner.find(test::view_of(after)).empty()) << static_cast<int>(how);
    test::keep_picture("anonymize-" + std::to_string(static_cast<int>(how)), after);
  }
}

}  // namespace
}  // namespace fmpn::overlay
