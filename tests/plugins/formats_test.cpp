#include "harness.h"

namespace fmpn::test {
namespace {

const char* const kFormats[] = {"I420",  "NV12", "YUY2", "UYVY", "RGB",  "BGR",       "BGRx",     "RGBA",
                                "GRAY8", "YV12", "NV21", "Y444", "ARGB", "P010_10LE", "I420_10LE"};
constexpr const char* kWhole = "fmpnalign ! fmpnclassify smoothing=0 ! fmpnoverlay";

class Formats : public PhotographTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::vector<gst::FaceAnnotation> faces_of(const char* launch, const GstVideoInfo& info, int padding) {
    Harness h(launch);
    h.caps(info);
    const auto out = h.push(make_buffer(photo_, info, padding));
    EXPECT_TRUE(out);
    return out ? gst::read_faces(out.get()) : std::vector<gst::FaceAnnotation>{};
  }
};

class AllFormats : public PhotographTest {};

TEST_P(Formats, GoThroughTheWholePipeline) {
  for (const auto& [width, height] : {std::pair{512, 600}, std::pair{511, 599}, std::pair{333, 391}}) {
    const auto faces = faces_of(kWhole, video_info(GetParam(), width, height), 0);
    ASSERT_EQ(faces.size(), 1U) << width;
    ASSERT_TRUE(faces[0].expression);
    EXPECT_EQ(faces[0].expression->distribution.size(), 7U);
    EXPECT_NEAR(sum_of(*faces[0].expression), 1, 1e-5);
    EXPECT_NEAR(faces[0].box.x + faces[0].box.width / 2, 0.53F * static_cast<float>(width), 0.06F * static_cast<float>(width));
  }
}

TEST_P(Formats, PaddedRowsAndPlanesChangeNothing) {
  const auto info = video_info(GetParam(), 511, 599);
  const auto plain = faces_of("fmpnalign ! fmpnclassify", info, 0);
  const auto padded = faces_of("fmpnalign ! fmpnclassify", info, 64);
  ASSERT_EQ(plain.size(), 1U);
  ASSERT_EQ(padded.size(), 1U);
  EXPECT_EQ(padded[0].crop->pixels, plain[0].crop->pixels);
  EXPECT_EQ(padded[0].expression->distribution, plain[0].expression->distribution);
}

TEST_P(Formats, ThePictureIsTheSameInEveryFormat) {
  const auto faces = faces_of("fmpnalign", video_info(GetParam(), 512, 600), 0);
  ASSERT_EQ(faces.size(), 1U);
  // The same warp of the photograph itself: what is left is the conversions' loss. GStreamer's 8-bit YUV paths alone darken
  // a picture by 3.5 levels there and back.
  cv::Mat expected = photo_;
  if (std::string(GetParam()) == "GRAY8") cv::cvtColor(photo_, expected, cv::COLOR_RGB2GRAY);
  const Image crop = warp_face(view_of(expected), faces[0].warp, faces[0].crop->width);
  double difference = 0;
  for (std::size_t i = 0; i < crop.pixels.size(); ++i) difference += std::abs(crop.pixels[i] - faces[0].crop->pixels[i]);
  EXPECT_LT(difference / static_cast<double>(crop.pixels.size()), 4.5);
}

TEST_F(AllFormats, OfEightBitsAndInterlacedOrWithoutARate) {
  cv::Mat small;
  cv::resize(photo_, small, {256, 300}, 0, 0, cv::INTER_AREA);
  int tried = 0;
  for (int i = GST_VIDEO_FORMAT_ENCODED + 1;; ++i) {
    const auto format = static_cast<GstVideoFormat>(i);
    const char* name = i <= GST_VIDEO_FORMAT_ENCODED + 400 ? gst_video_format_to_string(format) : nullptr;
    if (name == nullptr) break;
    const GstVideoFormatInfo* known = gst_video_format_get_info(format);
    // Tiles and DMABuf's opaque layouts aside: what has 8 bits and an unpacker.
    if (GST_VIDEO_FORMAT_INFO_BITS(known) != 8 || known->unpack_func == nullptr || known->pack_func == nullptr ||
        GST_VIDEO_FORMAT_INFO_IS_TILED(known))
      continue;
    ++tried;
    for (const bool interlaced : {false, true}) {
      auto info = video_info(name, 256, 300);
      // Both fields of the chroma are whole rows: the planes can be larger than those of a progressive frame.
      if (interlaced) gst_video_info_set_interlaced_format(&info, format, GST_VIDEO_INTERLACE_MODE_INTERLEAVED, 256, 300);
      else GST_VIDEO_INFO_FPS_N(&info) = 0;
      Harness h(kWhole);
      h.caps(info);
      const auto out = h.push(make_buffer(small, info));
      ASSERT_TRUE(out) << name;
      const auto faces = gst::read_faces(out.get());
      EXPECT_EQ(faces.size(), 1U) << name;
      for (const auto& face : faces) EXPECT_TRUE(face.expression) << name;
    }
  }
  EXPECT_GE(tried, 30);
}

INSTANTIATE_TEST_SUITE_P(Raw, Formats, ::testing::ValuesIn(kFormats), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace fmpn::test
