#include "schedule.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "input_schedule.h"

namespace fmpn::train {
namespace {

// lr at 1-based epoch e: base × (1 − max(0, e + 1 − constant) / (decay + 1)).
TEST(Schedule, PublishedPhaseOne) {
  for (const int epoch : {1, 2, 75, 148, 149}) EXPECT_DOUBLE_EQ(published_factor(epoch, 150, 150), 1) << epoch;
  EXPECT_DOUBLE_EQ(published_factor(150, 150, 150), 1 - 1 / 151.0);
  EXPECT_DOUBLE_EQ(published_factor(151, 150, 150), 1 - 2 / 151.0);
  EXPECT_DOUBLE_EQ(published_factor(225, 150, 150), 1 - 76 / 151.0);
  EXPECT_NEAR(published_factor(299, 150, 150), 1 / 151.0, 1e-15);
  EXPECT_NEAR(published_factor(300, 150, 150), 0, 1e-15);
}

TEST(Schedule, PublishedPhaseTwo) {
  EXPECT_DOUBLE_EQ(published_factor(99, 100, 100), 1);
  EXPECT_DOUBLE_EQ(published_factor(100, 100, 100), 100 / 101.0);
  EXPECT_DOUBLE_EQ(published_factor(150, 100, 100), 50 / 101.0);
  EXPECT_NEAR(published_factor(199, 100, 100), 1 / 101.0, 1e-15);
  EXPECT_NEAR(published_factor(200, 100, 100), 0, 1e-15);
}

TEST(Schedule, WithFewerEpochsThanItIsConstantForThePublishedRateDoesNotFall) {
  for (const int epochs : {1, 98, 99, 100})
    for (const int epoch : {1, epochs - 1, epochs})
      EXPECT_EQ(published_factor(epoch, 101, epochs - 101), 1) << epoch << " of " << epochs;
}

TEST(Schedule, OneCycleRisesToItsPeakAndFallsToNothing) {
  EXPECT_DOUBLE_EQ(one_cycle_factor(0), 0.04);
  EXPECT_DOUBLE_EQ(one_cycle_factor(0.1), 0.52);
  EXPECT_DOUBLE_EQ(one_cycle_factor(0.2), 1);
  EXPECT_NEAR(one_cycle_factor(0.2 - 1e-9), 1, 1e-6) << "no jump at the peak";
  EXPECT_NEAR(one_cycle_factor(0.6), 0.5, 1e-12);
  EXPECT_NEAR(one_cycle_factor(1), 0, 1e-12);
  for (double p = 0.2; p < 0.99; p += 0.01) EXPECT_GT(one_cycle_factor(p), one_cycle_factor(p + 0.01));
}

TEST(Schedule, TrapezoidDoesNotKnowItsEndBeforeItFalls) {
  EXPECT_DOUBLE_EQ(trapezoid_factor(0, 8, 12), 0.04);
  EXPECT_DOUBLE_EQ(trapezoid_factor(0.5, 8, 12), 0.52);
  for (const double done : {0.0, 0.7, 1.0, 5.5, 7.99})
    EXPECT_DOUBLE_EQ(trapezoid_factor(done, 8, 12), trapezoid_factor(done, 8, 40)) << done;
  EXPECT_DOUBLE_EQ(trapezoid_factor(8, 8, 12), 1);
  EXPECT_DOUBLE_EQ(trapezoid_factor(9, 8, 12), 0.75);
  EXPECT_DOUBLE_EQ(trapezoid_factor(12, 8, 12), 0);
  EXPECT_DOUBLE_EQ(trapezoid_factor(12, 12, 12), 0) << "no fall: no division by nothing";
}

TEST(Schedule, MixupEndsBeforeTheLearningRateGetsSmall) {
  FitOptions o;
  o.mixup = 0.2, o.phase2_epochs = 20, o.phase2_constant = 5;
  EXPECT_TRUE(mixes(o, 2, 16));
  EXPECT_FALSE(mixes(o, 2, 17));
  EXPECT_FALSE(mixes(o, 1, 1));
  o.schedule = "trapezoid";
  EXPECT_TRUE(mixes(o, 2, 5));
  EXPECT_FALSE(mixes(o, 2, 6));
  o.mixup = 0;
  EXPECT_FALSE(mixes(o, 2, 1));
}

TEST(InputSchedule, SidesByEpoch) {
  const InputSchedule sides("24:2,32:1", 40);
  for (const auto& [epoch, side] : {std::pair{1, 24}, {2, 24}, {3, 32}, {4, 40}, {99, 40}}) EXPECT_EQ(sides.side(epoch), side) << epoch;
  EXPECT_EQ(sides.smallest(), 24);
  EXPECT_EQ(InputSchedule("", 40).side(1), 40);
  EXPECT_EQ(InputSchedule("", 40).smallest(), 40);
}

TEST(InputSchedule, FaultsAreNamed) {
  for (const char* text : {"24", "24:", ":3", "24:x", "24:0", "24:2,", "25:2", "44:2", "-24:2", "24:2;32:1", "0:1", "999999999999:1"})
    test::expect_error(ErrorCode::kBadSetting, {"--input-schedule", text}, [&] { InputSchedule(text, 40); });
}

}  // namespace
}  // namespace fmpn::train
