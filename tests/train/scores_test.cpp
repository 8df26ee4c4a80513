#include "scores.h"

#include <gtest/gtest.h>

namespace fmpn::train {
namespace {

TEST(Scores, ConfusionMatrixCountsTruthByRow) {
  ConfusionMatrix m({"anger", "fear", "sadness"});
  EXPECT_EQ(m.total(), 0);
  EXPECT_EQ(m.accuracy(), 0);
  m.add(0, 0), m.add(0, 0), m.add(0, 2), m.add(1, 1), m.add(2, 0);
  EXPECT_EQ(m.total(), 5);
  EXPECT_DOUBLE_EQ(m.accuracy(), 3 / 5.0);
  EXPECT_EQ(m.counts(), (std::vector<std::vector<long>>{{2, 0, 1}, {0, 1, 0}, {1, 0, 0}}));
}

// Recall: 3/4, 0/2, none; precision: 3/5, 0/1, none. F1 = 2 · right / (pictures + named): 6/9, 0/3, none.
TEST(Scores, ClassesCountAlikeHoweverManyPicturesTheyHave) {
  ConfusionMatrix m({"anger", "fear", "sadness"});
  EXPECT_EQ(m.balanced_accuracy(), 0);
  EXPECT_EQ(m.macro_f1(), 0);
  m.add(0, 0, 3), m.add(0, 1, 1), m.add(1, 0, 2);
  EXPECT_DOUBLE_EQ(m.accuracy(), 3 / 6.0);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy(), (0.75 + 0) / 2) << "there is no picture of sadness";
  EXPECT_DOUBLE_EQ(m.macro_f1(), (6 / 9.0 + 0) / 2);
  const ClassScores anger = m.scores_of(0), sadness = m.scores_of(2);
  EXPECT_EQ(anger.pictures, 4);
  EXPECT_EQ(anger.named, 5);
  EXPECT_DOUBLE_EQ(anger.recall.value(), 0.75);
  EXPECT_DOUBLE_EQ(anger.precision.value(), 0.6);
  EXPECT_DOUBLE_EQ(anger.f1.value(), 6 / 9.0);
  EXPECT_FALSE(sadness.recall || sadness.precision || sadness.f1);
  m.add(0, 2);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy(), 0.6 / 2) << "sadness was named, but has no picture still";
  EXPECT_DOUBLE_EQ(m.macro_f1(), (6 / 10.0 + 0 + 0) / 3);
}

// Fifteen bins: 0.90 and 0.92 share bin 13 (0.867…0.933), 0.55 lies in bin 8, 1.0 in the last.
//   bin 13: |0.90 + 0.92 − 1| = 0.82, bin 8: |0.55 − 1| = 0.45, bin 14: |1 − 1| = 0; the sum over 4 pictures
TEST(Scores, CalibrationErrorByHand) {
  EXPECT_NEAR(expected_calibration_error({0.90, 0.55, 0.92, 1.0}, {true, true, false, true}), (0.82 + 0.45) / 4, 1e-12);
  EXPECT_EQ(expected_calibration_error({}, {}), 0);
  EXPECT_NEAR(expected_calibration_error({0.5, 0.5}, {true, false}), 0, 1e-12) << "half sure and half right";
}

// From the surest down, right so far: 1/1, 2/2, 2/3, 3/4, 3/5. For 75 % the first four are answered.
TEST(Scores, AbstentionByHand) {
  const std::vector<double> confidence{0.4, 0.95, 0.6, 0.7, 0.9};
  const std::vector<bool> correct{false, true, true, false, true};
  const Abstention a = choose_abstention(confidence, correct, 0.75);
  EXPECT_DOUBLE_EQ(a.threshold, 0.6);
  EXPECT_DOUBLE_EQ(a.coverage, 0.8);
  EXPECT_DOUBLE_EQ(a.accuracy, 0.75);
  const Abstention strict = choose_abstention(confidence, correct, 0.9);
  EXPECT_DOUBLE_EQ(strict.threshold, 0.9);
  EXPECT_DOUBLE_EQ(strict.coverage, 0.4);
  EXPECT_DOUBLE_EQ(strict.accuracy, 1);
}

TEST(Scores, AbstentionWhereAllOrNothingIsGoodEnough) {
  const Abstention all = choose_abstention({0.9, 0.3}, {true, true}, 0.8);
  EXPECT_EQ(all.threshold, 0);
  EXPECT_EQ(all.coverage, 1);
  const Abstention none = choose_abstention({0.9, 0.3}, {false, false}, 0.8);
  EXPECT_EQ(none.threshold, 1);
  EXPECT_EQ(none.coverage, 0);
}

TEST(Scores, AThresholdThatNothingReachesHasNoAnswers) {
  const Abstention none = abstention_at(0.5, {0.4, 0.3}, {true, true});
  EXPECT_EQ(none.coverage, 0);
  EXPECT_EQ(none.accuracy, 0);
  EXPECT_EQ(abstention_at(0, {}, {}).coverage, 0);
}

// A threshold answers every picture of its confidence: 0.9 is right in one of two, so it is not good enough for 80 %.
TEST(Scores, AbstentionTakesEqualConfidencesTogether) {
  const Abstention a = choose_abstention({0.9, 0.9, 0.95}, {true, false, true}, 0.8);
  EXPECT_DOUBLE_EQ(a.threshold, 0.95);
  EXPECT_DOUBLE_EQ(a.coverage, 1 / 3.0);
}

// Confidences that no hundredth from 0.99 down tells apart from a wrong one, and a dip below the target that answering more ends.
TEST(Scores, AbstentionIsChosenAmongHundredths) {
  EXPECT_EQ(choose_abstention({0.999, 0.998, 0.997}, {false, true, true}, 0.8).coverage, 0);
  EXPECT_EQ(choose_abstention({0.999, 0.998, 0.997, 0.996, 0.995}, {false, true, true, true, true}, 0.8).coverage, 1);
  const Abstention a = choose_abstention({0.9, 0.806, 0.804, 0.7, 0.3}, {true, false, true, true, false}, 0.75);
  EXPECT_DOUBLE_EQ(a.threshold, 0.7);
  EXPECT_DOUBLE_EQ(a.accuracy, 0.75);
}

}  // namespace
}  // namespace fmpn::train
