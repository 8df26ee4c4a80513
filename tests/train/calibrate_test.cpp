#include "calibrate.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace fmpn::train {
namespace {

// Labels drawn from softmax(z), logits given as T · z: the temperature that undoes it is T.
TEST(Calibrate, RecoversAKnownScale) {
  torch::manual_seed(2);
  const auto z = torch::randn({20000, 7}) * 1.5;
  const auto labels = torch::multinomial(torch::softmax(z, 1), 1).squeeze(1);
  for (const double scale : {0.5, 1.0, 3.0}) EXPECT_NEAR(fit_temperature(z * scale, labels), scale, 0.05 * scale);
}

TEST(Calibrate, StaysWithinItsRange) {
  const auto logits = torch::eye(7);
  EXPECT_NEAR(fit_temperature(logits, torch::arange(7)), 0.2, 0.01) << "always right: as sure as allowed";
  EXPECT_NEAR(fit_temperature(logits, (torch::arange(7) + 1) % 7), 5, 0.05) << "always wrong: as unsure as allowed";
}

}  // namespace
}  // namespace fmpn::train
