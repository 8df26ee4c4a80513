#include "mask_scores.h"

#include <limits>

#include <gtest/gtest.h>

#include "expect_error.h"

namespace fmpn::train {
namespace {

using Mask = std::vector<float>;

/// Two classes' masks of 4×4 whose centres of 2×2 are all zero and all one; the border is not.
Mask zero_and_one(float border = 0.5F) {
  const float b = border;
  return {b, b, b, b, b, 0, 0, b, b, 0, 0, b, b, b, b, b,  //
          b, b, b, b, b, 1, 1, b, b, 1, 1, b, b, b, b, b};
}
const Mask kZero(4, 0), kOne(4, 1), kQuarter(4, 0.25F);

TEST(MaskScores, DeterminationAndMean) {
  MaskScores scores(zero_and_one(), 2, 4, 2);
  EXPECT_FALSE(scores.r2()) << "nothing was added";
  scores.add(kZero, 0), scores.add(kOne, 1);
  EXPECT_DOUBLE_EQ(scores.r2().value(), 1);
  scores.add(kQuarter, 0), scores.add({1, 1, 1, 0}, 1);
  // 4 × 1/16 + 1 off, where the mean, a half everywhere, is 16 × 1/4 off.
  EXPECT_DOUBLE_EQ(scores.r2().value(), 1 - 1.25 / 4);
  EXPECT_EQ(scores.mean(), (Mask{0.5625F, 0.5625F, 0.5625F, 0.3125F}));
}

TEST(MaskScores, OneMaskForAllExplainsNothing) {
  MaskScores scores(zero_and_one(), 2, 4, 2);
  for (int i = 0; i < 3; ++i) scores.add(kQuarter, 0);
  scores.add(kQuarter, 1);  // the mean of the truth is of the faces, not of the classes
  EXPECT_NEAR(scores.r2().value(), 0, 1e-12);
}

TEST(MaskScores, OneTruthForAllHasNoDetermination) {
  MaskScores of_one_class(zero_and_one(), 2, 4, 2), of_same_truths(Mask(3 * 16, 0.1F), 3, 4, 2);
  for (int i = 0; i < 7; ++i) of_one_class.add(kQuarter, 1), of_same_truths.add(kQuarter, static_cast<std::size_t>(i % 3));
  EXPECT_FALSE(of_one_class.r2());
  EXPECT_FALSE(of_same_truths.r2()) << "a mean is rounded";
}

TEST(MaskScores, NearestNamesOneClassOrNone) {
  const MaskScores scores(zero_and_one(), 2, 4, 2);
  EXPECT_TRUE(scores.is_nearest(kQuarter, 0));
  EXPECT_FALSE(scores.is_nearest(kQuarter, 1));
  EXPECT_FALSE(scores.is_nearest(Mask(4, 0.5F), 0)) << "as near to both";
  EXPECT_FALSE(scores.is_nearest(Mask(4, std::numeric_limits<float>::quiet_NaN()), 0));
  const MaskScores same(Mask(2 * 16, 0), 2, 4, 2);
  EXPECT_FALSE(same.is_nearest(kZero, 0)) << "two classes share one truth";
}

TEST(MaskScores, WhatDoesNotFitIsRefused) {
  const auto refused = [](const auto& call, const std::string& part) { test::expect_error(ErrorCode::kBadSetting, {part}, call); };
  refused([] { MaskScores(zero_and_one(), 2, 4, 5); }, "smaller than the input's 5");
  refused([] { MaskScores(zero_and_one(), 3, 4, 2); }, "one mask for each class");
  MaskScores scores(zero_and_one(), 2, 4, 2);
  refused([&] { scores.add(Mask(3, 0), 0); }, "3 values, not 4");
  refused([&] { scores.add(kZero, 2); }, "no class 2");
}

}  // namespace
}  // namespace fmpn::train
