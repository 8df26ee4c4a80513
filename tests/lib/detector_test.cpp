// Our scan with dlib's filters gives dlib's boxes, and our walk through its trees dlib's landmarks: features, pyramid, detections and
// points are held against dlib's own.

#include "core/face_detector.h"

#include <array>
#include <fstream>
#include <random>
#include <sstream>

#include <dlib/opencv.h>
#include <gtest/gtest.h>

#include <fmpn/aligner.h>

#include "core/shape_trees.h"
#include "photograph.h"
#include "temporary_folder.h"

namespace fmpn {
namespace {

using DlibImage = dlib::cv_image<unsigned char>;

cv::Mat speckled(int width, int height, unsigned int seed) {
  cv::Mat picture(height, width, CV_8UC1);
  std::mt19937 random(seed);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) picture.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(random() >> 24);
  return picture;
}

TEST(GrayPyramid, HasTheSamePixelsAsDlibs) {
  GrayPyramid pyramid;
  for (const auto& [width, height] :
       {std::pair{1, 1}, std::pair{5, 4}, std::pair{17, 9}, std::pair{80, 97}, std::pair{81, 64}, std::pair{640, 35}, std::pair{643, 36},
        std::pair{1279, 23}, std::pair{1280, 24}, std::pair{3, 300}}) {
    const cv::Mat picture = speckled(width, height, static_cast<unsigned int>(width));
    cv::Mat ours;
    pyramid.down(picture, ours);
    dlib::array2d<unsigned char> theirs;
    dlib::pyramid_down<6>()(DlibImage(picture), theirs);
    ASSERT_EQ(ours.cols, theirs.nc()) << width;
    ASSERT_EQ(ours.rows, theirs.nr()) << height;
    for (int y = 0; y < ours.rows; ++y)
      for (int x = 0; x < ours.cols; ++x)
        ASSERT_EQ(ours.at<std::uint8_t>(y, x), theirs[y][x]) << width << "×" << height << ": " << x << ", " << y;
  }
}

TEST(HogFeatures, AreDlibsToTheLastBits) {
  HogFeatures features;
  for (const auto& [width, height] : {std::pair{24, 24}, std::pair{80, 80}, std::pair{83, 85}, std::pair{84, 76}, std::pair{213, 160},
                                      std::pair{401, 99}, std::pair{32, 300}}) {
    cv::Mat picture = speckled(width, height, static_cast<unsigned int>(height));
    if (width > 100) cv::GaussianBlur(picture, picture, {}, 2);
    features.compute(picture);
    dlib::array<dlib::array2d<float>> theirs;
    dlib::extract_fhog_features(DlibImage(picture), theirs, HogFeatures::kCell, HogFeatures::kWindow, HogFeatures::kWindow);
    ASSERT_EQ(theirs[0].nr(), features.height());
    ASSERT_EQ(theirs[0].nc(), features.columns() + HogFeatures::kWindow - 1);
    for (int plane = 0; plane < HogFeatures::kPlanes; ++plane)
      for (int y = 0; y < features.height(); ++y)
        for (int x = 0; x < theirs[0].nc(); ++x)
          ASSERT_NEAR(features.at(plane, y, 0)[x], theirs[static_cast<unsigned long>(plane)][y][x], 1e-6)
              << plane << ": " << x << ", " << y;
  }
}

TEST(HogFeatures, OfPicturesTooSmallForThem) {
  HogFeatures features;
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{3, 200}, std::pair{19, 100}, std::pair{100, 11}}) {
    features.compute(speckled(width, height, 1));
    EXPECT_EQ(features.rows() * features.columns(), 0) << width << "×" << height;
  }
}

/// dlib's own detector on a scaled picture, in the order of ours.
std::vector<dlib::rect_detection> dlibs(dlib::frontal_face_detector& detector, const cv::Mat& gray, double threshold) {
  std::vector<dlib::rect_detection> found;
  detector(DlibImage(gray), found, threshold);
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.rect.width() > b.rect.width(); });
  return found;
}

class DetectorOnPhotograph : public test::PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (!IsSkipped()) cv::cvtColor(photo_, gray_, cv::COLOR_RGB2GRAY);
  }
  cv::Mat gray_;
};

// At −2 some windows count that only look a little like a face.
TEST_F(DetectorOnPhotograph, HasDlibsBoxesAndScores) {
  dlib::frontal_face_detector theirs = dlib::get_frontal_face_detector();
  FaceDetector ours;
  std::size_t boxes = 0;
  for (int i = 0; i < 24; ++i) {
    cv::Mat turned, picture;
    cv::warpAffine(gray_, turned, cv::getRotationMatrix2D({256, 300}, 4.0 * i - 46, 1), gray_.size(), cv::INTER_LINEAR,
                   cv::BORDER_REPLICATE);
    cv::resize(turned, picture, {}, 0.4 + 0.03 * i, 0.45 + 0.028 * i, cv::INTER_AREA);
    const auto expected = dlibs(theirs, picture, -2);
    const auto found = ours.detect(picture, 80, -2);
    ASSERT_EQ(found.size(), expected.size()) << i;
    for (std::size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].box.x, static_cast<float>(expected[k].rect.left())) << i;
      EXPECT_EQ(found[k].box.y, static_cast<float>(expected[k].rect.top())) << i;
      EXPECT_EQ(found[k].box.width, static_cast<float>(expected[k].rect.width())) << i;
      EXPECT_EQ(found[k].box.height, static_cast<float>(expected[k].rect.height())) << i;
      EXPECT_NEAR(found[k].score, expected[k].detection_confidence, 1e-5) << i;
    }
    boxes += found.size();
  }
  EXPECT_GE(boxes, 24U) << "else this test sees little";
}

TEST_F(DetectorOnPhotograph, ForgetsTheLastPicture) {
  FaceDetector detector;
  const auto first = detector.detect(gray_, 80, 0);
  EXPECT_TRUE(detector.detect(cv::Mat::zeros(200, 1000, CV_8UC1), 80, 0).empty());
  const auto again = detector.detect(gray_, 80, 0);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].box.x, first[0].box.x);
  EXPECT_EQ(again[0].score, first[0].score);
}

TEST_F(DetectorOnPhotograph, ShapeTreesHaveDlibsPoints) {
  dlib::shape_predictor theirs;
  dlib::deserialize(default_landmark_model()) >> theirs;
  ShapeTrees ours;
  std::ifstream file(default_landmark_model(), std::ios::binary);
  ours.read(file);
  ASSERT_EQ(ours.parts(), theirs.num_parts());
  // Boxes on the face, beside it and beyond the picture.
  for (int i = 0; i < 60; ++i) {
    const dlib::rectangle box(150 - 20 * (i % 7), 60 + 9 * (i % 11), 320 + 11 * (i % 13), 300 + 5 * i);
    const auto expected = theirs(DlibImage(gray_), box);
    const auto points = ours(DlibImage(gray_), box);
    for (unsigned long k = 0; k < points.size(); ++k) EXPECT_EQ(points[k], expected.part(k)) << i << ", " << k;
  }
}

/// A landmark model whose five points are always these, as fractions of the face's box: x of all, then y.
void write_five_points(const std::string& path, const std::array<float, 5>& x, const std::array<float, 5>& y) {
  dlib::matrix<float, 0, 1> mean(10), still(10);
  for (long i = 0; i < 5; ++i) mean(2 * i) = x[static_cast<std::size_t>(i)], mean(2 * i + 1) = y[static_cast<std::size_t>(i)];
  still = 0;
  dlib::impl::regression_tree tree;
  tree.splits.resize(1);
  tree.splits[0].idx1 = 0, tree.splits[0].idx2 = 1, tree.splits[0].thresh = 0;
  tree.leaf_values.assign(2, still);
  std::ofstream file(path, std::ios::binary);
  dlib::serialize(dlib::shape_predictor(mean, {{tree}}, {{{0.1F, 0.1F}, {0.9F, 0.9F}}}), file);
}

// dlib's order: the corners of the picture's right eye, those of its left, the base of the nose.
TEST_F(DetectorOnPhotograph, FivePointsAreTheEyesAndWhatBelongsToThem) {
  const test::TemporaryFolder folder;
  AlignerOptions options;
  options.landmark_model = folder.file("five.dat");
  write_five_points(options.landmark_model, {0.80F, 0.60F, 0.20F, 0.40F, 0.5F}, {0.30F, 0.34F, 0.32F, 0.32F, 0.6F});
  const Box box{100, 50, 201, 201};
  const AlignedFace face = Aligner(options).align(test::view_of(photo_), box, 1);
  EXPECT_NEAR(face.landmarks[0].x, 100 + 0.30 * 200, 1);
  EXPECT_NEAR(face.landmarks[1].x, 100 + 0.70 * 200, 1);
  EXPECT_NEAR(face.landmarks[0].y, 50 + 0.32 * 200, 1);
  for (std::size_t i = 0; i < 5; ++i) {
    const Point at = apply(face.warp, face.landmarks[i]);
    EXPECT_NEAR(at.x, kStandardTemplate[i].x * 44, 0.01) << i;
    EXPECT_NEAR(at.y, kStandardTemplate[i].y * 44, 0.01) << i;
  }
  EXPECT_GT(face.quality, 0.5F);
}

TEST(ShapeTrees, RefuseAPredictorThatContradictsItself) {
  using Tree = dlib::impl::regression_tree;
  dlib::matrix<float, 0, 1> mean(4);
  mean = 0.2F, 0.2F, 0.8F, 0.8F;
  Tree good;
  good.splits.resize(1);
  good.splits[0].idx1 = 0, good.splits[0].idx2 = 1, good.splits[0].thresh = 3;
  good.leaf_values.assign(2, mean);
  const auto read = [&](const Tree& tree) {
    std::stringstream stream;
    dlib::serialize(dlib::shape_predictor(mean, {{tree}}, {{{0.1F, 0.1F}, {0.9F, 0.9F}}}), stream);
    ShapeTrees().read(stream);
  };
  EXPECT_NO_THROW(read(good));
  const auto refused = [&](void (*spoil)(Tree&)) {
    Tree tree = good;
    spoil(tree);
    EXPECT_THROW(read(tree), dlib::serialization_error);
  };
  refused([](Tree& tree) { tree.splits[0].idx2 = 2; });
  refused([](Tree& tree) { tree.leaf_values.pop_back(); });
  refused([](Tree& tree) { tree.leaf_values[1].set_size(3); });
  refused([](Tree& tree) { tree.splits.push_back(tree.splits[0]), tree.leaf_values.push_back(tree.leaf_values[0]); });
}

}  // namespace
}  // namespace fmpn
