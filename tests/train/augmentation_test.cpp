#include "augmentation.h"

#include <set>

#include <ATen/CPUGeneratorImpl.h>

#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

namespace fmpn::train {
namespace {

/// N×planes×H×H crops whose pixels name their own position, and masks of the same picture.
torch::Tensor positions(int64_t n, int64_t planes, int64_t side) {
  return torch::arange(side * side, torch::kUInt8).view({1, 1, side, side}).repeat({n, planes, 1, 1});
}

torch::Tensor window(const torch::Tensor& picture, int64_t y, int64_t x, int64_t side) {
  return picture.narrow(0, y, side).narrow(1, x, side);
}

TEST(Augmentation, NoneIsTheCentre) {
  const auto crops = positions(3, 1, 12);
  const Batch batch = augment(crops, crops.to(torch::kFloat32) / 255, 8, "none");
  ASSERT_EQ(batch.rgb.sizes(), (std::vector<int64_t>{3, 3, 8, 8}));
  ASSERT_EQ(batch.mask.sizes(), (std::vector<int64_t>{3, 1, 8, 8}));
  const auto expected = window(crops[0][0], 2, 2, 8).to(torch::kFloat32) / 255;
  for (int c = 0; c < 3; ++c) EXPECT_TRUE(torch::equal(batch.rgb[1][c], expected));
  EXPECT_TRUE(torch::equal(batch.mask[2][0], expected));
}

TEST(Augmentation, FiveCropsAndTheirMirrorImagesAllOccurAndNothingElse) {
  torch::manual_seed(1);
  const auto crops = positions(300, 3, 12);
  const Batch batch = augment(crops, crops.narrow(1, 0, 1).to(torch::kFloat32) / 255, 8, "five-crop");
  std::vector<torch::Tensor> allowed;
  for (const auto& [y, x] : {std::pair{0, 0}, {0, 4}, {4, 0}, {4, 4}, {2, 2}}) {
    const auto one = window(crops[0][0], y, x, 8).to(torch::kFloat32) / 255;
    allowed.push_back(one);
    allowed.push_back(one.flip(1));
  }
  std::vector<int> count(10, 0);
  for (int64_t i = 0; i < 300; ++i) {
    std::size_t which = 0;
    while (which < 10 && !torch::equal(batch.rgb[i][0], allowed[which])) ++which;
    ASSERT_LT(which, 10U) << "picture " << i << " is none of the ten";
    ++count[which];
    EXPECT_TRUE(torch::equal(batch.rgb[i][1], allowed[which]));
    EXPECT_TRUE(torch::equal(batch.mask[i][0], allowed[which])) << "face and mask are cut differently";
  }
  for (const int n : count) EXPECT_GT(n, 10);  // 30 expected
}

double correlation(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a - a.mean(), y = b - b.mean();
  return ((x * y).sum() / (x.norm() * y.norm()).clamp_min(1e-9)).item<double>();
}

TEST(Augmentation, RobustTurnsFaceAndMaskAlike) {
  torch::manual_seed(2);
  // A smooth picture without any symmetry.
  const auto t = torch::linspace(0, 1, 52);
  const auto picture =
      (0.5 + 0.25 * torch::sin(7 * t.view({52, 1}) + 9 * t.view({1, 52})) + 0.25 * torch::sin(11 * t.view({52, 1}) - 4 * t.view({1, 52})))
          .view({1, 1, 52, 52});
  const auto crops = (picture * 255).to(torch::kUInt8).repeat({64, 3, 1, 1});
  const Batch batch = augment(crops, picture.repeat({64, 1, 1, 1}), 48, "robust");
  ASSERT_EQ(batch.rgb.sizes(), (std::vector<int64_t>{64, 3, 48, 48}));
  ASSERT_EQ(batch.mask.sizes(), (std::vector<int64_t>{64, 1, 48, 48}));
  EXPECT_GE(batch.rgb.min().item<float>(), 0);
  EXPECT_LE(batch.rgb.max().item<float>(), 1);
  EXPECT_GE(batch.mask.min().item<float>(), 0);
  EXPECT_LE(batch.mask.max().item<float>(), 1);
  int alike = 0, like_the_neighbour = 0;
  for (int64_t i = 0; i < 64; ++i) {
    alike += correlation(batch.rgb[i][0], batch.mask[i][0]) > 0.75 ? 1 : 0;  // a hidden patch costs some
    like_the_neighbour += correlation(batch.rgb[i][0], batch.mask[(i + 1) % 64][0]) > 0.75 ? 1 : 0;
  }
  EXPECT_GE(alike, 58);
  EXPECT_LE(like_the_neighbour, 30) << "the draws do not differ from picture to picture";
}

TEST(Augmentation, ASeedFixesIt) {
  const auto crops = positions(16, 1, 14);
  const auto masks = torch::rand({16, 1, 14, 14});
  for (const char* kind : {"five-crop", "robust"}) {
    const auto draw = [&](uint64_t seed) {
      torch::manual_seed(seed);
      return augment(crops, masks, 12, kind);
    };
    const Batch a = draw(4), b = draw(4), c = draw(5);
    EXPECT_TRUE(torch::equal(a.rgb, b.rgb) && torch::equal(a.mask, b.mask)) << kind;
    EXPECT_FALSE(torch::equal(a.rgb, c.rgb)) << kind;
  }
}

TEST(Augmentation, GrayStaysGray) {
  torch::manual_seed(3);
  const Batch batch = augment(positions(8, 1, 14), torch::zeros({8, 1, 14, 14}), 12, "robust");
  EXPECT_TRUE(torch::equal(batch.rgb.select(1, 0), batch.rgb.select(1, 2)));
}

TEST(Augmentation, ShapesThatDoNotFitAreRefused) {
  const auto crops = positions(2, 1, 12);
  EXPECT_THROW(augment(crops, torch::zeros({3, 1, 12, 12}), 8, "none"), c10::Error);
  EXPECT_THROW(augment(crops, torch::zeros({2, 1, 12, 12}), 13, "none"), c10::Error);
  EXPECT_THROW(augment(crops.to(torch::kFloat32), torch::zeros({2, 1, 12, 12}), 8, "none"), c10::Error);
}

TEST(Augmentation, AGpuCutsAsTheCpuDoes) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "this LibTorch sees no CUDA device";
  torch::manual_seed(5);
  const auto crops = torch::randint(256, {4, 3, 24, 24}, torch::kUInt8);
  const auto masks = torch::rand({4, 1, 24, 24});
  for (const char* kind : {"five-crop", "robust", "none"}) {
    const auto here = augment(crops, masks, 20, kind, at::detail::createCPUGenerator(7));
    const auto there = augment(crops.cuda(), masks.cuda(), 20, kind, at::detail::createCPUGenerator(7));
    EXPECT_TRUE(torch::allclose(here.rgb, there.rgb.cpu(), 1e-4, 1e-4)) << kind;
    EXPECT_TRUE(torch::allclose(here.mask, there.mask.cpu(), 1e-4, 1e-4)) << kind;
  }
}

}  // namespace
}  // namespace fmpn::train
