#include <gtest/gtest.h>
#include <torch/types.h>

#include <fmpn/error.h>

#include "validation.h"

namespace fmpn::train {
namespace {

ModelInfo two_classes() {
  ModelInfo info;
  info.cn = "resnet18", info.cn_width = 4, info.cn_stem = "small", info.fmg_width = 2;
  info.input_size = 16, info.crop_size = 20;
  info.classes = {"happiness", "sadness"};
  return info;
}

/// The centres of N×1×20×20 crops, as the networks take them.
torch::Tensor centres(const torch::Tensor& crops) {
  return (crops.to(torch::kFloat32) / 255).slice(2, 2, 18).slice(3, 2, 18).expand({-1, 3, -1, -1}).contiguous();
}

TEST(Validation, WithAMaskInPlaceOfEveryPicturesOwn) {
  torch::manual_seed(3);
  FmpnNet net(two_classes());
  initialise_for_scratch(*net);
  start_near_identity(*net->pfn);
  DataSet data;
  data.planes = 1, data.side = 20;
  data.crops = torch::randint(256, {300, 1, 20, 20}, torch::kUInt8);  // more than one batch
  data.labels = torch::zeros({300}, torch::kInt64);
  const torch::NoGradGuard no_grad;
  net->eval();
  const auto rgb = centres(data.crops);
  const auto mean = net->generate_mask(rgb).mean(0, /*keepdim=*/true);
  const Validation validation = validate(Judged::kMasksAndLogits, *net, data, torch::rand({2, 1, 20, 20}), 16);
  EXPECT_TRUE(torch::allclose(validation.mean_mask, mean, 0, 1e-5));
  const auto all = torch::ones({1, 1, 16, 16});
  const auto& own = validation.logits;
  const auto same = logits_with_mask(*net, data, 16, all);
  EXPECT_TRUE(torch::allclose(own, net->forward(rgb).logits, 0, 1e-4));
  EXPECT_TRUE(torch::allclose(same, net->forward(rgb, all.expand({300, -1, -1, -1})).logits, 0, 1e-4));
  EXPECT_FALSE(torch::allclose(same, own, 0, 1e-3)) << "the masks change nothing: the test can't tell";
}

TEST(Validation, DeterminationIsOneForTheTruthAndZeroForItsMean) {
  torch::manual_seed(4);
  FmpnNet net(two_classes());
  initialise_for_scratch(*net);
  net->eval();
  const torch::NoGradGuard no_grad;
  // Two faces, one a class: what FMG draws of them is the truth, or the truth is turned round.
  const auto faces = torch::randint(256, {2, 1, 20, 20}, torch::kUInt8);
  DataSet data;
  data.planes = 1, data.side = 20;
  data.labels = torch::arange(300) % 2;
  data.crops = faces.index_select(0, data.labels);
  const auto rgb = centres(faces);
  const auto drawn = net->generate_mask(rgb);
  ASSERT_GT((drawn[0] - drawn[1]).abs().max().item<double>(), 1e-3);
  torch::Tensor masks = torch::rand({2, 1, 20, 20});  // the border does not count
  const auto determination = [&](const torch::Tensor& truth) {
    masks.slice(2, 2, 18).slice(3, 2, 18).copy_(truth);
    return validate(Judged::kMasks, *net, data, masks, 16).mask_r2.value();
  };
  EXPECT_NEAR(determination(drawn), 1, 1e-4);
  EXPECT_NEAR(determination(drawn.flip(0)), -3, 1e-3);  // twice as far off as the mean, squared
  EXPECT_NEAR(determination(drawn + (drawn - drawn.flip(0)) / 2), 0.75, 1e-3);
  EXPECT_FALSE(validate(Judged::kMasks, *net, data, torch::ones({2, 1, 20, 20}), 16).mask_r2) << "one truth for all";
  // One face in four is of the second class: the mean is of the faces, not of the classes.
  data.labels = (torch::arange(300) % 4).eq(3).to(torch::kInt64);
  data.crops = faces.index_select(0, data.labels);
  const auto truth = drawn + 0.1 * (drawn[1] - drawn[0]);  // each off by a tenth of what the classes differ by
  EXPECT_NEAR(determination(truth), 1 - 0.01 / (0.25 * 0.75), 1e-3);
}

TEST(Validation, AccuracyIsTheShareThatNamesItsLabel) {
  const auto logits = torch::tensor({{1.0F, 2.0F}, {3.0F, 2.0F}, {0.0F, 1.0F}, {5.0F, 1.0F}});
  EXPECT_DOUBLE_EQ(accuracy(logits, torch::tensor({1, 0, 0, 0})), 0.75);
}

TEST(Validation, MasksSmallerThanTheInputAreRefused) {
  DataSet data;
  data.planes = 1, data.side = 20;
  data.crops = torch::zeros({1, 1, 20, 20}, torch::kUInt8);
  data.labels = torch::zeros({1}, torch::kInt64);
  EXPECT_THROW(validate(Judged::kMasks, *FmpnNet(two_classes()), data, torch::rand({2, 1, 12, 12}), 16), Error);
  EXPECT_THROW(validate(Judged::kMasks, *FmpnNet(two_classes()), DataSet{}, torch::rand({2, 1, 20, 20}), 16), c10::Error);
}

TEST(Validation, BaselineHasNoMasksAndMasksAloneNoLogits) {
  ModelInfo info = two_classes();
  DataSet data;
  data.planes = 1, data.side = 20;
  data.crops = torch::randint(256, {3, 1, 20, 20}, torch::kUInt8);
  data.labels = torch::tensor({0, 1, 0});
  const auto masks = torch::rand({2, 1, 20, 20});
  EXPECT_FALSE(validate(Judged::kMasks, *FmpnNet(info), data, masks, 16).logits.defined());
  info.uses_masks = false;
  const Validation baseline = validate(Judged::kMasksAndLogits, *FmpnNet(info), data, masks, 16);
  EXPECT_EQ(baseline.logits.sizes(), (std::vector<int64_t>{3, 2}));
  EXPECT_FALSE(baseline.mean_mask.defined());
  EXPECT_FALSE(baseline.mask_r2);
}

}  // namespace
}  // namespace fmpn::train
