#include "calibration.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "expect_error.h"

namespace fmpn::train {
namespace {

/// Labels drawn from softmax(z), logits given as scale × z.
LabelledLogits drawn(int count, float scale) {
  std::mt19937 generator(2);
  std::normal_distribution<float> normal(0, 1.5F);
  LabelledLogits said;
  for (int i = 0; i < count; ++i) {
    std::vector<float> logits(7);
    std::vector<double> weights;
    for (float& z : logits) z = normal(generator), weights.push_back(std::exp(z)), z *= scale;
    said.add(logits, std::discrete_distribution<std::size_t>(weights.begin(), weights.end())(generator));
  }
  return said;
}

TEST(Calibration, TemperatureUndoesAKnownScale) {
  for (const float scale : {0.5F, 1.0F, 3.0F}) EXPECT_NEAR(fit_temperature(drawn(20000, scale)), scale, 0.05 * scale);
}

TEST(Calibration, TemperatureStaysWithinItsRange) {
  LabelledLogits right, wrong;
  for (std::size_t k = 0; k < 7; ++k) {
    std::vector<float> logits(7, 0);
    logits[k] = 1;
    right.add(logits, k), wrong.add(logits, (k + 1) % 7);
  }
  EXPECT_NEAR(fit_temperature(right), 0.2, 0.01) << "always right: as sure as allowed";
  EXPECT_NEAR(fit_temperature(wrong), 5, 0.05) << "always wrong: as unsure as allowed";
}

TEST(Calibration, AnswersAtATemperature) {
  LabelledLogits said;
  said.add({0, std::log(3.0F)}, 1), said.add({200, 0}, 1);
  const Answers answers = answers_at(2, said, {"a", "b"});
  EXPECT_NEAR(answers.confidence[0], std::sqrt(3.0) / (1 + std::sqrt(3.0)), 1e-6);
  EXPECT_NEAR(answers.confidence[1], 1, 1e-6);
  EXPECT_EQ(answers.correct, (std::vector<bool>{true, false}));
}

TEST(Calibration, LogitsMayLieFarApart) {
  LabelledLogits data;
  for (int i = 0; i < 10; ++i) data.add({5000, 0, -5000}, i == 0 ? 1 : 0);
  EXPECT_NEAR(fit_temperature(data), 5, 0.05) << "one in ten is wrong: as unsure as allowed";
  EXPECT_EQ(answers_at(1, data, {"a", "b", "c"}).confidence[0], 1);
}

TEST(Calibration, LogitsThatAreNoNumbersAreRefused) {
  ModelInfo info;
  info.name = "mine", info.classes = {"a", "b"};
  LabelledLogits data;
  data.add({0, 1}, 1), data.add({std::nanf(""), 1}, 1);
  test::expect_error(ErrorCode::kBadFormat, {"'mine' gives a logit that is not finite"}, [&] { calibrate(info, data, 0.8); });
}

TEST(Calibration, AnswersAreRightAsOftenAsWanted) {
  ModelInfo info;
  info.classes = {"a", "b", "c", "d", "e", "f", "g"};
  const LabelledLogits said = drawn(5000, 2);
  calibrate(info, said, 0.8);
  EXPECT_NEAR(info.temperature, 2, 0.1);
  EXPECT_NEAR(100 * info.min_confidence, std::round(100 * info.min_confidence), 1e-9) << "a full hundredth";
  const Answers answers = answers_at(info.temperature, said, info.classes);
  EXPECT_LT(answers.confusion.accuracy(), 0.7) << "the test can't tell";
  const auto accuracy_at = [&](double threshold) { return abstention_at(threshold, answers.confidence, answers.correct).accuracy; };
  EXPECT_GE(accuracy_at(info.min_confidence), 0.8);
  EXPECT_LT(accuracy_at(info.min_confidence - 0.01), 0.8) << "as many as that allows";
  const double before = info.min_confidence;
  calibrate(info, said, 0.9);
  EXPECT_GT(info.min_confidence, before);
}

}  // namespace
}  // namespace fmpn::train
