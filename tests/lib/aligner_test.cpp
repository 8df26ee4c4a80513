#include <fmpn/aligner.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "photograph.h"
#include "temporary_folder.h"

namespace fmpn {
namespace {

using test::view_of;

class AlignerOnPhotograph : public test::PhotographTest {
 protected:
  static AlignerOptions options(int min_face_size = 80) {
    AlignerOptions o;
    o.min_face_size = min_face_size;
    return o;
  }
};

void expect_inside(const Box& box, const cv::Mat& frame) {
  EXPECT_GE(box.x, 0);
  EXPECT_GE(box.y, 0);
  EXPECT_LE(box.x + box.width, static_cast<float>(frame.cols));
  EXPECT_LE(box.y + box.height, static_cast<float>(frame.rows));
  EXPECT_GE(box.width, 1);
  EXPECT_GE(box.height, 1);
}

TEST_F(AlignerOnPhotograph, OneFaceWithItsLandmarks) {
  const auto faces = Aligner(options()).find(view_of(photo_));
  ASSERT_EQ(faces.size(), 1U);
  const AlignedFace& face = faces[0];
  expect_inside(face.box, photo_);
  EXPECT_GT(face.score, 0.5);
  EXPECT_GT(face.quality, 0.5F);
  EXPECT_LE(face.quality, 1.0F);
  const auto [left, right, nose, mouth_left, mouth_right] = face.landmarks;
  EXPECT_LT(left.x, nose.x);
  EXPECT_LT(nose.x, right.x);
  EXPECT_LT(mouth_left.x, mouth_right.x);
  EXPECT_NEAR(left.y, right.y, 0.15 * (right.x - left.x));
  EXPECT_GT(nose.y, std::max(left.y, right.y));
  EXPECT_GT(std::min(mouth_left.y, mouth_right.y), nose.y);
  for (const Point& p : face.landmarks) {
    EXPECT_GT(p.x, face.box.x);
    EXPECT_LT(p.x, face.box.x + face.box.width);
    EXPECT_GT(p.y, face.box.y);
    EXPECT_LT(p.y, face.box.y + face.box.height);
  }
}

TEST_F(AlignerOnPhotograph, CropAndWarpBelongTogether) {
  const auto faces = Aligner(options()).find(view_of(photo_));
  ASSERT_EQ(faces.size(), 1U);
  const AlignedFace& face = faces[0];
  EXPECT_EQ(face.warp, alignment_warp(face.landmarks, 44));
  EXPECT_EQ(face.crop.pixels, warp_face(view_of(photo_), face.warp, 44).pixels);
  EXPECT_EQ(face.crop.width, 44);
  EXPECT_EQ(face.crop.height, 44);
  for (std::size_t i = 0; i < face.landmarks.size(); ++i) {
    const Point at = apply(face.warp, face.landmarks[i]);
    EXPECT_NEAR(at.x / 44, kStandardTemplate[i].x, 0.08);
    EXPECT_NEAR(at.y / 44, kStandardTemplate[i].y, 0.08);
  }
}

TEST_F(AlignerOnPhotograph, SameAnswerTwiceAndFromEitherRowLayout) {
  Aligner aligner(options());
  const auto first = aligner.find(view_of(photo_));
  cv::Mat wide(photo_.rows, photo_.cols + 13, CV_8UC3, cv::Scalar(255, 0, 255));
  photo_.copyTo(wide(cv::Rect(0, 0, photo_.cols, photo_.rows)));
  const auto second = aligner.find(view_of(wide(cv::Rect(0, 0, photo_.cols, photo_.rows))));
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0].crop.pixels, second[0].crop.pixels);
}

TEST_F(AlignerOnPhotograph, GrayInputFindsTheSameFace) {
  Aligner aligner(options());
  cv::Mat gray;
  cv::cvtColor(photo_, gray, cv::COLOR_RGB2GRAY);
  const auto colour = aligner.find(view_of(photo_));
  const auto plain = aligner.find(view_of(gray));
  ASSERT_EQ(colour.size(), 1U);
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain[0].warp, colour[0].warp);
  ASSERT_EQ(plain[0].crop.format, PixelFormat::kRgb8);
  for (std::size_t i = 0; i < plain[0].crop.pixels.size(); i += 3) ASSERT_EQ(plain[0].crop.pixels[i], plain[0].crop.pixels[i + 2]);
}

TEST_F(AlignerOnPhotograph, TwelveFacesLargestFirstUpToMaxFaces) {
  cv::Mat small, wall(3 * 300, 4 * 256, CV_8UC3);
  cv::resize(photo_, small, {256, 300}, 0, 0, cv::INTER_AREA);
  for (int i = 0; i < 12; ++i) small.copyTo(wall(cv::Rect(i % 4 * 256, i / 4 * 300, 256, 300)));
  const auto faces = Aligner(options(50)).find(view_of(wall));
  ASSERT_EQ(faces.size(), 12U);
  std::vector<int> found(12, 0);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (i > 0) { EXPECT_LE(faces[i].box.width, faces[i - 1].box.width + 0.01F); }
    const Point nose = faces[i].landmarks[2];
    ++found[static_cast<std::size_t>(static_cast<int>(nose.x) / 256 + 4 * (static_cast<int>(nose.y) / 300))];
  }
  EXPECT_EQ(found, std::vector<int>(12, 1));
  AlignerOptions five = options(50);
  five.max_faces = 5;
  EXPECT_EQ(Aligner(five).find(view_of(wall)).size(), 5U);
}

TEST_F(AlignerOnPhotograph, MinFaceSizeDecidesWhatIsLookedFor) {
  cv::Mat small;
  cv::resize(photo_, small, {}, 0.25, 0.25, cv::INTER_AREA);  // a face of about 45 px
  EXPECT_EQ(Aligner(options(80)).find(view_of(small)).size(), 0U);
  EXPECT_EQ(Aligner(options(40)).find(view_of(small)).size(), 1U);
  EXPECT_EQ(Aligner(options(400)).find(view_of(photo_)).size(), 0U);
}

TEST_F(AlignerOnPhotograph, AThresholdAboveTheScoreFindsNothing) {
  const auto faces = Aligner(options()).find(view_of(photo_));
  ASSERT_EQ(faces.size(), 1U);
  AlignerOptions strict = options();
  strict.detector_threshold = faces[0].score + 0.05;
  EXPECT_TRUE(Aligner(strict).find(view_of(photo_)).empty());
}

TEST_F(AlignerOnPhotograph, AFaceCutByTheBorder) {
  Aligner aligner(options());
  const auto whole = aligner.find(view_of(photo_));
  ASSERT_EQ(whole.size(), 1U);
  const Box box = whole[0].box;
  // The frame begins a tenth of the face's width inside its box.
  const int cut = static_cast<int>(box.x + 0.1F * box.width);
  const cv::Mat frame = photo_(cv::Rect(cut, 0, photo_.cols - cut, photo_.rows));
  // An upstream detector may give the box as it would be without the cut.
  const AlignedFace face = aligner.align(view_of(frame), {box.x - static_cast<float>(cut), box.y, box.width, box.height}, 1.5);
  expect_inside(face.box, frame);
  EXPECT_EQ(face.box.x, 0);
  EXPECT_EQ(face.score, 1.5);
  EXPECT_EQ(face.crop.pixels.size(), 44U * 44 * 3);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(face.landmarks[i].x + static_cast<float>(cut), whole[0].landmarks[i].x, 0.1 * box.width);
    EXPECT_NEAR(face.landmarks[i].y, whole[0].landmarks[i].y, 0.1 * box.width);
  }
}

TEST_F(AlignerOnPhotograph, AlignInsideTheDetectorsBoxIsWhatFindDoes) {
  Aligner aligner(options());
  const auto found = aligner.find(view_of(photo_));
  ASSERT_EQ(found.size(), 1U);
  const AlignedFace face = aligner.align(view_of(photo_), found[0].box, found[0].score);
  EXPECT_EQ(face.crop.pixels, found[0].crop.pixels);
}

TEST_F(AlignerOnPhotograph, BoxesFarFromTheFrameGiveAFaceOrAnError) {
  Aligner aligner(options());
  for (const Box& box : {Box{-900, -900, 50, 50}, Box{5000, 20, 80, 80}, Box{0, 0, 9e5F, 9e5F}, Box{505, 590, 7, 10}}) {
    const AlignedFace face = aligner.align(view_of(photo_), box, 0);
    expect_inside(face.box, photo_);
    EXPECT_EQ(face.crop.pixels.size(), 44U * 44 * 3);
  }
  test::expect_error(ErrorCode::kBadSetting, {"one point"}, [&] { aligner.align(view_of(photo_), {511, 599, 1, 1}, 0); });
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  for (const Box& box : {Box{10, 10, 0, 50}, Box{10, 10, 50, -3}, Box{nan, 10, 50, 50}, Box{10, nan, 50, 50}, Box{10, 10, nan, 50},
                         Box{-infinite, 10, 50, 50}, Box{10, 10, infinite, 50}, Box{3e18F, 10, 50, 50}})
    test::expect_error(ErrorCode::kBadSetting, {"region"}, [&] { aligner.align(view_of(photo_), box, 0); });
}

TEST_F(AlignerOnPhotograph, TinyAndNarrowPicturesHaveNoFace) {
  for (const int min_face_size : {16, 80, 5000}) {
    Aligner aligner(options(min_face_size));
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(2, 300), cv::Size(300, 2), cv::Size(79, 79)}) {
      const cv::Mat frame(size, CV_8UC3, cv::Scalar(90, 120, 40));
      EXPECT_TRUE(aligner.find(view_of(frame)).empty()) << size << ' ' << min_face_size;
      EXPECT_TRUE(aligner.find_in_still(view_of(frame)).empty()) << size << ' ' << min_face_size;
    }
  }
}

// FER2013's pictures: the face fills 48×48, too small and too tight for the detector as it is.
TEST_F(AlignerOnPhotograph, FindInStillSeesATightCropOf48Pixels) {
  Aligner aligner(options());
  const auto whole = aligner.find(view_of(photo_));
  ASSERT_EQ(whole.size(), 1U);
  const Box b = whole[0].box;
  const cv::Rect tight(cvRound(b.x), cvRound(b.y), cvRound(b.width), cvRound(b.height));
  cv::Mat still;
  cv::resize(photo_(tight), still, {48, 48}, 0, 0, cv::INTER_AREA);
  EXPECT_TRUE(aligner.find(view_of(still)).empty());
  const auto faces = aligner.find_in_still(view_of(still));
  ASSERT_EQ(faces.size(), 1U);
  expect_inside(faces[0].box, still);
  const double scale = static_cast<double>(tight.width) / 48;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR((faces[0].landmarks[i].x + 0.5) * scale - 0.5 + tight.x, whole[0].landmarks[i].x, 0.06 * b.width) << i;
    EXPECT_NEAR((faces[0].landmarks[i].y + 0.5) * scale - 0.5 + tight.y, whole[0].landmarks[i].y, 0.06 * b.width) << i;
  }
}

TEST_F(AlignerOnPhotograph, FindInStillIsFindWhereThatFindsAFace) {
  Aligner aligner(options());
  const auto still = aligner.find_in_still(view_of(photo_));
  const auto found = aligner.find(view_of(photo_));
  ASSERT_EQ(still.size(), 1U);
  EXPECT_EQ(still[0].crop.pixels, found.at(0).crop.pixels);
}

TEST_F(AlignerOnPhotograph, QualityFallsWithBlurAndSize) {
  Aligner aligner(options(30));
  cv::Mat blurred, small;
  cv::GaussianBlur(photo_, blurred, {}, 6);
  cv::resize(photo_, small, {}, 0.2, 0.2, cv::INTER_AREA);
  const auto sharp = aligner.find(view_of(photo_)), soft = aligner.find(view_of(blurred)), far = aligner.find(view_of(small));
  ASSERT_EQ(sharp.size(), 1U);
  ASSERT_EQ(soft.size(), 1U);
  ASSERT_EQ(far.size(), 1U);
  EXPECT_LT(soft[0].quality, sharp[0].quality);
  EXPECT_LT(far[0].quality, sharp[0].quality);
}

TEST(AlignerSettings, OutOfRangeIsAnErrorThatNamesTheOption) {
  const auto refused = [](const std::string& name, void (*change)(AlignerOptions&)) {
    AlignerOptions o;
    change(o);
    test::expect_error(ErrorCode::kBadSetting, {name}, [&] { Aligner aligner(o); });
  };
  refused("crop-size", [](AlignerOptions& o) { o.crop_size = 7; });
  refused("crop-size", [](AlignerOptions& o) { o.crop_size = 1025; });
  refused("min-face-size", [](AlignerOptions& o) { o.min_face_size = 15; });
  refused("max-faces", [](AlignerOptions& o) { o.max_faces = 0; });
  refused("detection-threshold", [](AlignerOptions& o) { o.detector_threshold = NAN; });
}

TEST(AlignerSettings, LandmarkModelThatIsMissingOrNone) {
  const test::TemporaryFolder folder;
  AlignerOptions o;
  o.landmark_model = folder.file("missing.dat");
  test::expect_error(ErrorCode::kNotFound, {o.landmark_model}, [&] { Aligner aligner(o); });
  o.landmark_model = folder.file("text.dat");
  test::write_text(o.landmark_model, "this is no shape predictor\n");
  test::expect_error(ErrorCode::kBadFormat, {o.landmark_model}, [&] { Aligner aligner(o); });
  o.landmark_model = folder.file("empty.dat");
  test::write_text(o.landmark_model, "");
  test::expect_error(ErrorCode::kBadFormat, {o.landmark_model}, [&] { Aligner aligner(o); });
  o.landmark_model = folder.path().string();
  test::expect_error(ErrorCode::kNotFound, {o.landmark_model}, [&] { Aligner aligner(o); });
}

TEST(ImageFile, FaultsNameTheFile) {
  const test::TemporaryFolder folder;
  const std::string text = folder.file("text.jpg"), below = text + "/below.png";
  test::write_text(text, "not a picture");
  test::expect_error(ErrorCode::kNotFound, {folder.file("none.png")}, [&] { read_image(folder.file("none.png")); });
  test::expect_error(ErrorCode::kBadFormat, {text}, [&] { read_image(text); });
  test::expect_error(ErrorCode::kNotFound, {folder.path().string()}, [&] { read_image(folder.path().string()); });
  const Image dot = whole_picture_crop(ImageView{reinterpret_cast<const std::uint8_t*>("abc"), 1, 1, 3, PixelFormat::kRgb8}, 8);
  test::expect_error(ErrorCode::kIo, {below}, [&] { write_image(below, dot.view()); });
  test::expect_error(ErrorCode::kIo, {"dot.unknown"}, [&] { write_image(folder.file("dot.unknown"), dot.view()); });
  const auto pixels = dot.pixels;
  write_image(folder.file("dot.png"), dot.view());
  EXPECT_EQ(dot.pixels, pixels) << "writing changed the caller's picture";
  EXPECT_EQ(read_image(folder.file("dot.png")).pixels, dot.pixels);
  if (std::filesystem::exists("/dev/full")) {
    for (const char* name : {"full.png", "full.bmp", "full.webp"}) {
      std::filesystem::create_symlink("/dev/full", folder.file(name) + ".partial");
      test::expect_error(ErrorCode::kIo, {name, "No space left"}, [&] { write_image(folder.file(name), dot.view()); });
    }
  }
}

TEST(ImageFile, AJpegThatIsCutShortIsNoPicture) {
  const test::TemporaryFolder folder;
  const Image crop = whole_picture_crop(ImageView{reinterpret_cast<const std::uint8_t*>("abcdefghijkl"), 2, 2, 6, PixelFormat::kRgb8}, 64);
  const std::string whole = folder.file("whole.jpg"), cut = folder.file("cut.jpg"), more = folder.file("more.jpg");
  write_image(whole, crop.view());
  const std::string bytes = test::read_text(whole);
  test::write_text(cut, bytes.substr(0, bytes.size() * 4 / 5));
  test::expect_error(ErrorCode::kBadFormat, {cut, "cut short"}, [&] { read_image(cut); });
  test::write_text(more, bytes + "what a camera left behind, \xFF\xDA\x01 in it");
  EXPECT_EQ(read_image(more).pixels, read_image(whole).pixels);
}

}  // namespace
}  // namespace fmpn
