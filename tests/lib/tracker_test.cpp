#include <fmpn/face_tracker.h>

#include <set>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "photograph.h"

namespace fmpn {
namespace {

using test::view_of;

class TrackerOnPhotograph : public test::PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (!IsSkipped()) black_ = cv::Mat::zeros(480, 400, CV_8UC3);
  }
  /// A 400×480 window of the photograph that moves 5 px to the right and 2 px down a frame.
  cv::Mat panned(int frame) const { return photo_(cv::Rect(5 * frame, 2 * frame, 400, 480)); }
  cv::Mat black_;
};

TEST_F(TrackerOnPhotograph, AnIdStaysOverAPan) {
  FaceTracker tracker({}, {5, 30});
  std::set<std::uint32_t> ids;
  Point first;
  for (int frame = 0; frame < 20; ++frame) {
    const auto faces = tracker.track(view_of(panned(frame)));
    ASSERT_EQ(faces.size(), 1U) << frame;
    ids.insert(faces[0].id);
    EXPECT_EQ(faces[0].detected, frame % 5 == 0) << frame;
    // The nose stays where it is on the photograph, to a few percent of the face's 190 px.
    const Point at = faces[0].face.landmarks[2];
    const Point nose{at.x + 5 * static_cast<float>(frame), at.y + 2 * static_cast<float>(frame)};
    if (frame == 0) first = nose;
    EXPECT_NEAR(nose.x, first.x, 8) << frame;
    EXPECT_NEAR(nose.y, first.y, 8) << frame;
    EXPECT_EQ(faces[0].face.crop.pixels.size(), 44U * 44 * 3);
  }
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(ids.count(0), 0U);
}

TEST_F(TrackerOnPhotograph, TwoFacesKeepTheirIdsWhenTheirOrderOfSizeChanges) {
  FaceTracker tracker({}, {5, 30});
  cv::Mat larger;
  cv::resize(photo_, larger, {}, 1.1, 1.1);
  const auto scene = [&](const cv::Mat& left, const cv::Mat& right) {
    cv::Mat frame(700, 1200, CV_8UC3, cv::Scalar(80, 80, 80));
    left.copyTo(frame(cv::Rect(0, 0, left.cols, left.rows)));
    right.copyTo(frame(cv::Rect(600, 0, right.cols, right.rows)));
    return frame;
  };
  std::map<bool, std::set<std::uint32_t>> ids;
  for (int frame = 0; frame < 12; ++frame) {
    const cv::Mat picture = frame < 7 ? scene(larger, photo_) : scene(photo_, larger);
    const auto faces = tracker.track(view_of(picture));
    ASSERT_EQ(faces.size(), 2U) << frame;
    for (const auto& face : faces) ids[face.face.landmarks[2].x > 600].insert(face.id);
  }
  EXPECT_EQ(ids[false].size(), 1U);
  EXPECT_EQ(ids[true].size(), 1U);
  EXPECT_NE(ids[false], ids[true]);
}

TEST_F(TrackerOnPhotograph, ALostFaceKeepsItsIdForKeepFrames) {
  for (const auto& [gap, same] : {std::pair{3, true}, std::pair{9, false}}) {
    FaceTracker tracker({}, {1, 5});
    const auto before = tracker.track(view_of(panned(0)));
    ASSERT_EQ(before.size(), 1U);
    for (int i = 0; i < gap; ++i) EXPECT_TRUE(tracker.track(view_of(black_)).empty());
    const auto after = tracker.track(view_of(panned(0)));
    ASSERT_EQ(after.size(), 1U);
    EXPECT_EQ(after[0].id == before[0].id, same) << gap;
  }
}

TEST_F(TrackerOnPhotograph, ResetForgetsFacesAndGoesOnCounting) {
  FaceTracker tracker({}, {5, 30});
  const auto before = tracker.track(view_of(panned(0)));
  tracker.track(view_of(panned(0)));
  tracker.reset();
  const auto after = tracker.track(view_of(panned(0)));
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_TRUE(after[0].detected) << "the first frame after a reset is searched in full";
  EXPECT_GT(after[0].id, before[0].id);
}

TEST_F(TrackerOnPhotograph, RegionsOfAnUpstreamDetectorAreFollowedByPlace) {
  FaceTracker tracker({}, {5, 30});
  const auto found = Aligner({}).find(view_of(photo_));
  ASSERT_EQ(found.size(), 1U);
  Box box = found[0].box;
  const auto first = tracker.track_regions(view_of(photo_), {box}, {0.75});
  box.x += 8;
  const auto second = tracker.track_regions(view_of(photo_), {Box{20, 380, 90, 90}, box}, {0.5, 0.7});
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(first[0].face.score, 0.75);
  EXPECT_NE(second[0].id, first[0].id);
  EXPECT_EQ(second[1].id, first[0].id);
  EXPECT_TRUE(tracker.track_regions(view_of(photo_), {}, {}).empty());
  test::expect_error(ErrorCode::kBadSetting, {"score"}, [&] { tracker.track_regions(view_of(photo_), {box}, {}); });
}

TEST_F(TrackerOnPhotograph, FramesThatChangeTheirSize) {
  FaceTracker tracker({}, {5, 30});
  ASSERT_EQ(tracker.track(view_of(photo_)).size(), 1U);
  const cv::Mat dot(1, 1, CV_8UC3, cv::Scalar(1, 2, 3)), strip(20, 600, CV_8UC3, cv::Scalar(1, 2, 3));
  EXPECT_TRUE(tracker.track(view_of(dot)).empty());
  EXPECT_TRUE(tracker.track(view_of(strip)).empty());
  EXPECT_EQ(tracker.track(view_of(photo_)).size(), 1U);
}

TEST_F(TrackerOnPhotograph, SettingsOutOfRange) {
  test::expect_error(ErrorCode::kBadSetting, {"detect-interval"}, [] { FaceTracker tracker({}, {0, 30}); });
  test::expect_error(ErrorCode::kBadSetting, {"keep-frames"}, [] { FaceTracker tracker({}, {5, -1}); });
}

}  // namespace
}  // namespace fmpn
