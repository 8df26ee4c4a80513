// What teachers say of pictures.

#include "teacher.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "runtime/model_file.h"

#include "temporary_folder.h"

namespace fmpn::train {
namespace {

constexpr int64_t kCount = 5, kClasses = 3;

ModelInfo info() {
  ModelInfo info;
  info.name = "teacher";
  info.classes = {"anger", "fear", "neutral"};
  info.cn = "resnet18";
  info.cn_width = 8;
  info.cn_stem = "small";
  info.uses_masks = false;
  info.input_size = 16;
  info.crop_size = 20;
  info.color = "gray";
  return info;
}

class Teachers : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const int seed : {1, 2}) {
      torch::manual_seed(seed);
      FmpnNet net(info());
      initialise_for_scratch(*net->cn);
      net->named_parameters()["cls.fc.weight"].detach().normal_(0, 1);
      paths_.push_back(folder_.file(std::to_string(seed) + ".safetensors"));
      save_model(paths_.back(), info(), *net, /*half=*/false);
    }
    data_.crops = torch::randint(256, {kCount, 1, 20, 20}, torch::kUInt8);
    data_.labels = torch::zeros({kCount}, torch::kInt64);
    data_.planes = 1, data_.side = 20;
    data_.keys = {1, 2, 3, 4, 5};
  }
  SoftTargets said(const std::vector<std::string>& teachers) const {
    return soft_targets(teachers, {"cpu", Precision::kFp32, 1}, info().classes, data_);
  }

  test::TemporaryFolder folder_;
  std::vector<std::string> paths_;
  DataSet data_;
};

TEST_F(Teachers, SeveralSayTheMeanOfWhatEachSays) {
  const auto one = said({paths_[0]}).shares, other = said({paths_[1]}).shares, both = said(paths_).shares;
  EXPECT_EQ(both.sizes(), torch::IntArrayRef({kCount, kClasses}));
  EXPECT_FALSE(torch::allclose(one, other, 1e-2, 1e-2)) << "they say the same: the test shows nothing";
  EXPECT_TRUE(torch::allclose(both, (one + other) / 2, 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(both.sum(1), torch::ones({kCount}), 1e-5, 1e-5));
}

TEST_F(Teachers, WhatTheySaidIsKeptForThesePictures) {
  const auto targets = said(paths_);
  const std::string file = folder_.file("soft-targets.safetensors"), key = soft_targets_key(info().classes, data_);
  EXPECT_FALSE(kept_soft_targets(file, key));
  keep_soft_targets(file, key, targets);
  const auto kept = kept_soft_targets(file, key);
  ASSERT_TRUE(kept);
  EXPECT_TRUE(torch::equal(kept->shares, targets.shares));
  EXPECT_EQ(kept->teachers, "teacher + teacher");
  EXPECT_FALSE(kept_soft_targets(file, soft_targets_key({"fear", "anger", "neutral"}, data_)));
  std::swap(data_.keys[0], data_.keys[1]);
  EXPECT_FALSE(kept_soft_targets(file, soft_targets_key(info().classes, data_)));
}

}  // namespace
}  // namespace fmpn::train
