#include <fmpn/expression_smoother.h>

#include <cmath>

#include <gtest/gtest.h>

#include "expect_error.h"

namespace fmpn {
namespace {

using Kind = ExpressionEvent::Kind;

TEST(Smoother, HalvesTheOldAfterItsHalfLife) {
  ExpressionSmoother smoother({0.5, 0, 0, 1});
  smoother.update(1, {1, 0}, 0);
  const auto after = smoother.update(1, {0, 1}, 0.5);
  EXPECT_NEAR(after.probabilities[0], 0.5, 1e-6);
  const auto later = smoother.update(1, {0, 1}, 1.5);  // two half-lives more: 0.5 / 4
  EXPECT_NEAR(later.probabilities[0], 0.125, 1e-6);
  EXPECT_NEAR(later.probabilities[0] + later.probabilities[1], 1, 1e-6);
}

TEST(Smoother, WithoutAHalfLifeEveryFrameStandsForItself) {
  ExpressionSmoother smoother({0, 0, 0.5, 1});
  smoother.update(1, {0.9F, 0.1F}, 0);
  const auto next = smoother.update(1, {0.45F, 0.55F}, 0.01);
  EXPECT_EQ(next.label_id, 1);
  EXPECT_EQ(next.probabilities, (std::vector<float>{0.45F, 0.55F}));
}

TEST(Smoother, KeepsTheStableLabelUntilAnotherLeadsClearly) {
  ExpressionSmoother smoother({1e-9, 0, 0.1, 1});
  EXPECT_EQ(smoother.update(1, {0.6F, 0.4F}, 0).label_id, 0);
  EXPECT_EQ(smoother.update(1, {0.48F, 0.52F}, 1).label_id, 0) << "leads by 0.04 only";
  EXPECT_EQ(smoother.update(1, {0.4F, 0.6F}, 2).label_id, 1);
}

TEST(Smoother, IsUncertainBelowTheLimit) {
  ExpressionSmoother smoother({1e-9, 0.5, 0, 1});
  const auto low = smoother.update(1, {0.4F, 0.35F, 0.25F}, 0);
  EXPECT_EQ(low.label_id, -1);
  EXPECT_FLOAT_EQ(low.confidence, 0.4F);
  EXPECT_EQ(smoother.update(1, {0.9F, 0.05F, 0.05F}, 1).label_id, 0);
}

TEST(Smoother, OtherOptionsCountFromTheNextObservationOn) {
  ExpressionSmoother smoother({0, 0.5, 0, 1});
  EXPECT_EQ(smoother.update(1, {0.4F, 0.35F, 0.25F}, 0).label_id, -1);
  smoother.set_options({0, 0.3, 0, 1});
  EXPECT_EQ(smoother.update(1, {0.4F, 0.35F, 0.25F}, 1).label_id, 0);
}

TEST(Smoother, AFaceThatCannotBeJudgedLeavesNoTrace) {
  ExpressionSmoother smoother({1, 0, 0, 1});
  smoother.update(1, {1, 0}, 0);
  EXPECT_EQ(smoother.update(1, {0, 1}, 0.5, false).label_id, -1);
  EXPECT_GT(smoother.update(1, {1, 0}, 0.6).probabilities[0], 0.999F);
}

TEST(Smoother, TellsOnsetChangeAndOffset) {
  ExpressionSmoother smoother({1e-9, 0, 0, 1});
  smoother.update(4, {0.8F, 0.2F}, 0);
  smoother.update(4, {0.7F, 0.3F}, 0.1);
  smoother.update(4, {0.1F, 0.9F}, 0.2);
  auto events = smoother.take_events(0.2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::kOnset);
  EXPECT_EQ(events[1].kind, Kind::kChange);
  EXPECT_EQ(events[1].previous_id, 0);
  EXPECT_EQ(events[1].label_id, 1);
  EXPECT_TRUE(smoother.take_events(1.1).empty()) << "gone for 0.9 s: may come back";
  events = smoother.take_events(1.3);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, Kind::kOffset);
  EXPECT_DOUBLE_EQ(events[0].time, 0.2);
  EXPECT_TRUE(smoother.end_all().empty());
}

TEST(Smoother, AtTheEndAFaceEndsWhenItWasLastSeen) {
  ExpressionSmoother smoother;
  smoother.update(4, {0.8F, 0.2F}, 0);
  smoother.seen(4, 0.5);
  smoother.take_events(1);
  const auto events = smoother.end_all();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, Kind::kOffset);
  EXPECT_DOUBLE_EQ(events[0].time, 0.5);
}

TEST(Smoother, WhatIsNoObservationIsRefused) {
  using test::expect_error;
  ExpressionSmoother smoother;
  expect_error(ErrorCode::kBadSetting, {"distribution"}, [&] { smoother.update(1, {}, 0); });
  expect_error(ErrorCode::kBadSetting, {"distribution"}, [&] { smoother.update(1, {NAN, 0.5F}, 0); });
  expect_error(ErrorCode::kBadSetting, {"time"}, [&] { smoother.update(1, {0.5F, 0.5F}, NAN); });
  smoother.update(1, {0.1F, 0.2F, 0.3F, 0.4F}, 0);
  expect_error(ErrorCode::kBadSetting, {"classes"}, [&] { smoother.update(1, {0.5F, 0.5F}, 1); });
  EXPECT_EQ(smoother.update(2, {0.4F, 0.6F}, 1).label_id, 1) << "another face";
  expect_error(ErrorCode::kBadSetting, {"half-life"}, [] { ExpressionSmoother({-1, 0, 0, 1}); });
  expect_error(ErrorCode::kBadSetting, {"confidence"}, [&] { smoother.set_options({0, 2, 0, 1}); });
  expect_error(ErrorCode::kBadSetting, {"hysteresis"}, [&] { smoother.set_options({0, 0, NAN, 1}); });
}

TEST(Smoother, AnObservationThatComesLateKeepsItsOwnTime) {
  ExpressionSmoother smoother({0, 0, 0, 1});
  smoother.update(4, {0.8F, 0.2F}, 0.1);  // the face of 0.1 s, known at 0.9 s
  smoother.seen(4, 0.9);
  const auto events = smoother.take_events(1.5);
  ASSERT_EQ(events.size(), 1U) << "still there: seen 0.6 s ago";
  EXPECT_EQ(events[0].kind, Kind::kOnset);
  EXPECT_DOUBLE_EQ(events[0].time, 0.1);
}

}  // namespace
}  // namespace fmpn
