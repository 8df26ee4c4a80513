#include <fmpn/face_tracker.h>

#include <cmath>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "moving_face.h"
#include "photograph.h"

namespace fmpn {
namespace {

using test::view_of;

double at(int frame) { return frame / 30.0; }

class TrackerOnPhotograph : public test::PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (!IsSkipped()) black_ = cv::Mat::zeros(480, 400, CV_8UC3);
  }
  /// A 400×480 window of the photograph that moves 5 px to the right and 2 px down a frame.
  cv::Mat panned(int frame) const { return photo_(cv::Rect(5 * frame, 2 * frame, 400, 480)); }
  cv::Mat black_;
  const cv::Mat dot_{1, 1, CV_8UC3, cv::Scalar(1, 2, 3)};  // no face, and no time spent on looking for one
};

TEST_F(TrackerOnPhotograph, AnIdStaysOverAPan) {
  FaceTracker tracker({}, {5, 1.5});
  std::set<std::uint32_t> ids;
  Point first;
  for (int frame = 0; frame < 20; ++frame) {
    const auto faces = tracker.track(view_of(panned(frame)), at(frame));
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

TEST_F(TrackerOnPhotograph, AStillPictureHasAStillFace) {
  for (const int min_face_size : {80, 63}) {
    AlignerOptions options;
    options.min_face_size = min_face_size;
    FaceTracker tracker(options, {5, 1.5});
    std::optional<AlignedFace> first;
    for (int frame = 0; frame < 12; ++frame) {
      const auto faces = tracker.track(view_of(photo_), at(frame));
      ASSERT_EQ(faces.size(), 1U) << frame;
      EXPECT_EQ(faces[0].detected, frame % 5 == 0);
      const AlignedFace& face = faces[0].face;
      if (!first) first = face;
      EXPECT_EQ(face.box.x, first->box.x) << frame;
      EXPECT_EQ(face.box.y, first->box.y) << frame;
      EXPECT_EQ(face.box.width, first->box.width) << frame;
      EXPECT_EQ(face.warp, first->warp) << frame;
      EXPECT_EQ(face.crop.pixels, first->crop.pixels) << frame;
      EXPECT_EQ(face.quality, first->quality) << frame;
    }
  }
}

struct ClipScore {
  int found = 0, strangers = 0;
  double box_error = 0, landmark_error = 0;  ///< means, in parts of the face's width
  std::set<std::uint32_t> ids;
};

/// Interval 0: full detection on every frame, without a tracker.
ClipScore follow_clip(const test::MovingFace& clip, int frames, int interval) {
  AlignerOptions options;
  options.min_face_size = 60;
  Aligner aligner(options);
  FaceTracker tracker(options, {std::max(1, interval), 1.5});
  ClipScore score;
  for (int i = 0; i < frames; ++i) {
    const auto truth = clip.truth(i);
    const cv::Mat frame = clip.frame(i);
    std::vector<AlignedFace> faces;
    if (interval == 0) faces = aligner.find(view_of(frame));
    else for (TrackedFace& face : tracker.track(view_of(frame), at(i))) score.ids.insert(face.id), faces.push_back(std::move(face.face));
    for (const AlignedFace& face : faces) {
      if (overlap(face.box, truth.box) < 0.5F) {
        ++score.strangers;
        continue;
      }
      ++score.found;
      score.box_error += test::box_error(face.box, truth.box);
      score.landmark_error += test::landmark_error(face.landmarks, truth);
    }
  }
  score.box_error /= std::max(1, score.found), score.landmark_error /= std::max(1, score.found);
  return score;
}

// Four seconds in which the face comes nearer, turns, and darts by half its width within five frames.
TEST_F(TrackerOnPhotograph, FollowingIsAsGoodAsDetectingOnEveryFrame) {
  const int frames = 120;
  const test::MovingFace clip(photo_, 640, 360, 1, 0.35);
  const ClipScore detected = follow_clip(clip, frames, 0);
  EXPECT_GE(detected.found, frames * 95 / 100);
  for (const int interval : {1, 5, 10}) {
    const ClipScore followed = follow_clip(clip, frames, interval);
    EXPECT_GE(followed.found, detected.found) << interval;
    EXPECT_LE(followed.strangers, detected.strangers) << interval;
    EXPECT_EQ(followed.ids.size(), 1U) << interval;
    EXPECT_LE(followed.box_error, detected.box_error) << interval;
    EXPECT_LE(followed.landmark_error, 1.05 * detected.landmark_error) << interval;
    EXPECT_LT(followed.box_error, 0.08) << interval;
    EXPECT_LT(followed.landmark_error, 0.04) << interval;
  }
}

TEST_F(TrackerOnPhotograph, TwoFacesKeepTheirIdsWhenTheirOrderOfSizeChanges) {
  FaceTracker tracker({}, {5, 1.5});
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
    const auto faces = tracker.track(view_of(picture), at(frame));
    ASSERT_EQ(faces.size(), 2U) << frame;
    for (const auto& face : faces) ids[face.face.landmarks[2].x > 600].insert(face.id);
  }
  EXPECT_EQ(ids[false].size(), 1U);
  EXPECT_EQ(ids[true].size(), 1U);
  EXPECT_NE(ids[false], ids[true]);
}

TEST_F(TrackerOnPhotograph, ALostFaceKeepsItsIdForKeepTimeAtAnyFrameRate) {
  for (const double rate : {10.0, 60.0}) {
    for (const auto& [gap, same] : {std::pair{1.0, true}, std::pair{2.0, false}}) {
      FaceTracker tracker({}, {1, 1.5});
      const auto before = tracker.track(view_of(panned(0)), 0);
      ASSERT_EQ(before.size(), 1U);
      double time = 1 / rate;
      for (; time < gap; time += 1 / rate) EXPECT_TRUE(tracker.track(view_of(dot_), time).empty());
      const auto after = tracker.track(view_of(panned(2)), time);
      ASSERT_EQ(after.size(), 1U);
      EXPECT_EQ(after[0].id == before[0].id, same) << gap << " s at " << rate;
    }
  }
}

TEST_F(TrackerOnPhotograph, ResetForgetsFacesAndGoesOnCounting) {
  FaceTracker tracker({}, {5, 1.5});
  const auto before = tracker.track(view_of(panned(0)), at(0));
  tracker.track(view_of(panned(0)), at(0));
  tracker.reset();
  const auto after = tracker.track(view_of(panned(0)), at(0));
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_TRUE(after[0].detected) << "the first frame after a reset is searched in full";
  EXPECT_GT(after[0].id, before[0].id);
}

TEST_F(TrackerOnPhotograph, AfterAJumpInTimeEveryFaceIsANewOne) {
  for (const bool regions : {false, true}) {
    FaceTracker tracker({}, {});
    const auto id_at = [&](double time) {
      const ImageView frame = view_of(photo_);
      const auto faces = regions ? tracker.track_regions(frame, {{100, 60, 200, 200}}, {1}, time) : tracker.track(frame, time);
      return faces.size() == 1 ? faces[0].id : 0;
    };
    EXPECT_EQ(id_at(0), 1U);
    EXPECT_EQ(id_at(0.04), 1U);
    EXPECT_EQ(id_at(1.4), 1U) << "as long as a lost face is kept";
    EXPECT_EQ(id_at(1.44), 1U);
    EXPECT_EQ(id_at(3600), 2U);
    EXPECT_EQ(id_at(3600.04), 2U);
    EXPECT_EQ(id_at(10), 3U) << "back";
    for (const double time : {13, 16, 19}) EXPECT_EQ(id_at(time), 3U) << "a frame every three seconds";
    EXPECT_EQ(id_at(29), 4U);
  }
}

TEST_F(TrackerOnPhotograph, AFrameOfTheTimeOfTheLastHidesNoJump) {
  FaceTracker tracker({}, {});
  const auto id_at = [&](double time) { return tracker.track(view_of(photo_), time).at(0).id; };
  for (const double time : {0.0, 0.04, 0.08, 0.08}) EXPECT_EQ(id_at(time), 1U);
  EXPECT_EQ(id_at(3600), 2U);
}

TEST_F(TrackerOnPhotograph, WhatIsNoPictureOrNoTimeIsRefusedWhileAFaceIsFollowedToo) {
  // Far from the corner: the part of the frame that is looked at does not begin with its first byte.
  cv::Mat wide = cv::Mat::zeros(photo_.rows, 3 * photo_.cols, CV_8UC3);
  photo_.copyTo(wide(cv::Rect(2 * photo_.cols, 0, photo_.cols, photo_.rows)));
  FaceTracker tracker({}, {5, 1.5});
  ASSERT_EQ(tracker.track(view_of(wide), 0).size(), 1U);
  ImageView none = view_of(wide), narrow = view_of(wide);
  none.data = nullptr;
  narrow.stride = wide.cols;
  for (const ImageView& view : {none, narrow}) {
    test::expect_error(ErrorCode::kBadSetting, {"not a picture"}, [&] { tracker.track(view, at(1)); });
    test::expect_error(ErrorCode::kBadSetting, {"not a picture"}, [&] { tracker.track_regions(view, {}, {}, at(1)); });
  }
  for (const double time : {std::nan(""), HUGE_VAL}) {
    test::expect_error(ErrorCode::kBadSetting, {"time", "finite"}, [&] { tracker.track(view_of(wide), time); });
    test::expect_error(ErrorCode::kBadSetting, {"time", "finite"}, [&] { tracker.track_regions(view_of(wide), {}, {}, time); });
  }
  const auto after = tracker.track(view_of(wide), at(1));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].id, 1U);
}

TEST_F(TrackerOnPhotograph, RegionsOfAnUpstreamDetectorAreFollowedByPlace) {
  FaceTracker tracker({}, {5, 1.5});
  const auto found = Aligner({}).find(view_of(photo_));
  ASSERT_EQ(found.size(), 1U);
  Box box = found[0].box;
  const auto first = tracker.track_regions(view_of(photo_), {box}, {0.75}, 0);
  box.x += 8;
  const auto second = tracker.track_regions(view_of(photo_), {Box{20, 380, 90, 90}, box}, {0.5, 0.7}, 0.04);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(first[0].face.score, 0.75);
  EXPECT_NE(second[0].id, first[0].id);
  EXPECT_EQ(second[1].id, first[0].id);
  EXPECT_TRUE(tracker.track_regions(view_of(photo_), {}, {}, 0.08).empty());
  test::expect_error(ErrorCode::kBadSetting, {"score"}, [&] { tracker.track_regions(view_of(photo_), {box}, {}, 0.1); });
}

/// Two people: the photograph's face, and it again mirrored, in other colours and darker.
class TwoPeople : public TrackerOnPhotograph {
 protected:
  void SetUp() override {
    TrackerOnPhotograph::SetUp();
    if (IsSkipped()) return;
    cv::resize(photo_(cv::Rect(130, 40, 290, 330)), one_, {145, 165}, 0, 0, cv::INTER_AREA);
    cv::flip(one_, other_, 1);
    cv::cvtColor(other_, other_, cv::COLOR_RGB2BGR);
    other_.convertTo(other_, -1, 0.7);
  }
  /// `one_` at (x1, 60) behind `other_` at (x2, 75); outside the frame where x is negative.
  cv::Mat scene(int x1, int x2) const {
    cv::Mat frame(260, 760, CV_8UC3, cv::Scalar(96, 100, 92));
    if (x1 >= 0) one_.copyTo(frame(cv::Rect(x1, 40, one_.cols, one_.rows)));
    if (x2 >= 0) other_.copyTo(frame(cv::Rect(x2, 55, other_.cols, other_.rows)));
    return frame;
  }
  static std::uint32_t id_near(const std::vector<TrackedFace>& faces, float x) {
    for (const auto& face : faces)
      if (std::abs(face.face.landmarks[2].x - x) < 50) return face.id;
    return 0;
  }
  cv::Mat one_, other_;
};

TEST_F(TwoPeople, KeepTheirIdsWhenOnePassesInFrontOfTheOther) {
  for (const int interval : {1, 5}) {
    for (const int step : {8, 14}) {  // pixels a frame
      FaceTracker tracker({}, {interval, 1.5});
      std::uint32_t one = 0, other = 0, one_after = 0, other_after = 0;
      int frame = 0;
      bool hidden = false;
      for (int x = 10; x <= 600; x += step, ++frame) {
        const int x1 = x, x2 = 610 - x;
        const auto faces = tracker.track(view_of(scene(x1, x2)), at(frame));
        hidden |= faces.size() == 1;
        if (x < 120) one = id_near(faces, x1 + 72.0F), other = id_near(faces, x2 + 72.0F);
        if (x > 500) one_after = id_near(faces, x1 + 72.0F), other_after = id_near(faces, x2 + 72.0F);
      }
      EXPECT_TRUE(hidden) << "else this test sees nothing";
      EXPECT_NE(one, 0U);
      EXPECT_NE(other, 0U);
      EXPECT_EQ(one_after, one) << interval << ", " << step;
      EXPECT_EQ(other_after, other) << interval << ", " << step;
    }
  }
}

TEST_F(TwoPeople, ComeBackUnderTheirIdsAfterASecondBehindSomething) {
  for (const int rate : {15, 30}) {
    FaceTracker tracker({}, {5, 1.5});
    std::vector<TrackedFace> before, after;
    for (int frame = 0; frame < 3 * rate; ++frame) {
      const bool covered = frame >= rate && frame < 2 * rate;
      const int drift = 30 * frame / rate;  // they go on meanwhile
      const auto faces =
          tracker.track(view_of(covered ? scene(-1, -1) : scene(60 + drift, 330 + drift)), frame / static_cast<double>(rate));
      if (covered) {
        EXPECT_TRUE(faces.empty());
      } else {
        (frame < rate ? before : after) = faces;
      }
    }
    EXPECT_NE(id_near(before, 162), 0U);
    EXPECT_EQ(id_near(after, 222), id_near(before, 162));
    EXPECT_EQ(id_near(after, 492), id_near(before, 432));
  }
}

TEST_F(TwoPeople, AStrangerInThePlaceOfOneWhoLeftIsSomebodyElse) {
  FaceTracker tracker({}, {1, 1.5});
  std::uint32_t first = 0;
  for (int frame = 0; frame < 10; ++frame) first = id_near(tracker.track(view_of(scene(200, -1)), at(frame)), 272);
  for (int frame = 10; frame < 40; ++frame) tracker.track(view_of(scene(-1, -1)), at(frame));
  const auto faces = tracker.track(view_of(scene(-1, 200)), at(40));
  ASSERT_NE(first, 0U);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_NE(faces[0].id, first);
}

TEST_F(TrackerOnPhotograph, InAHurryTheFullDetectionWaitsButNotForever) {
  FaceTracker tracker({}, {2, 1.5});
  std::vector<int> detected;
  for (int frame = 0; frame < 18; ++frame) {
    const auto faces = tracker.track(view_of(panned(0)), at(frame), true);
    ASSERT_EQ(faces.size(), 1U);
    if (faces[0].detected) detected.push_back(frame);
  }
  EXPECT_EQ(detected, (std::vector<int>{0, 8, 16}));
}

TEST_F(TrackerOnPhotograph, WhoLooksOnEveryFrameDoesSoAlsoInAHurry) {
  FaceTracker tracker({}, {1, 1.5});
  for (int frame = 0; frame < 4; ++frame) {
    const auto faces = tracker.track(view_of(panned(0)), at(frame), true);
    ASSERT_EQ(faces.size(), 1U);
    EXPECT_TRUE(faces[0].detected) << frame;
  }
}

TEST_F(TrackerOnPhotograph, FramesThatChangeTheirSize) {
  FaceTracker tracker({}, {5, 1.5});
  ASSERT_EQ(tracker.track(view_of(photo_), 0).size(), 1U);
  const cv::Mat dot(1, 1, CV_8UC3, cv::Scalar(1, 2, 3)), strip(20, 600, CV_8UC3, cv::Scalar(1, 2, 3));
  EXPECT_TRUE(tracker.track(view_of(dot), 0.1).empty());
  EXPECT_TRUE(tracker.track(view_of(strip), 0.2).empty());
  EXPECT_EQ(tracker.track(view_of(photo_), 0.3).size(), 1U);
}

TEST_F(TrackerOnPhotograph, SettingsOutOfRange) {
  test::expect_error(ErrorCode::kBadSetting, {"detect-interval"}, [] { FaceTracker tracker({}, {0, 1.5}); });
  test::expect_error(ErrorCode::kBadSetting, {"keep-time"}, [] { FaceTracker tracker({}, {5, -1}); });
}

}  // namespace
}  // namespace fmpn
