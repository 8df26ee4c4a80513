#include "schedule.h"

#include <gtest/gtest.h>

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

TEST(Schedule, OneCycleRisesToItsPeakAndFallsToNothing) {
  EXPECT_DOUBLE_EQ(one_cycle_factor(0), 0.04);
  EXPECT_DOUBLE_EQ(one_cycle_factor(0.1), 0.52);
  EXPECT_DOUBLE_EQ(one_cycle_factor(0.2), 1);
  EXPECT_NEAR(one_cycle_factor(0.2 - 1e-9), 1, 1e-6) << "no jump at the peak";
  EXPECT_NEAR(one_cycle_factor(0.6), 0.5, 1e-12);
  EXPECT_NEAR(one_cycle_factor(1), 0, 1e-12);
  for (double p = 0.2; p < 0.99; p += 0.01) EXPECT_GT(one_cycle_factor(p), one_cycle_factor(p + 0.01));
}

}  // namespace
}  // namespace fmpn::train
