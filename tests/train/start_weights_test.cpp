#include "start_weights.h"

#include <cstring>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "runtime/model_file.h"

#include "expect_error.h"

namespace fmpn::train {
namespace {

StoredTensor stored(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().contiguous();
  StoredTensor out{"F32", flat.sizes().vec(), std::vector<std::uint8_t>(flat.nbytes())};
  std::memcpy(out.bytes.data(), flat.data_ptr(), out.bytes.size());
  return out;
}

ClassificationNet net_of(int64_t classes, int64_t width = 4, const char* stem = "imagenet") {
  return make_classification_net({"resnet18", classes, width, stem});
}

SafeTensors weights_of(torch::nn::Module& net, const std::string& prefix) {
  SafeTensors weights;
  for (const auto& [key, value] : state_of(net)) weights.tensors[prefix + key] = stored(value + 1);
  return weights;
}

TEST(StartWeights, EverythingButTheFinalLayerIsTaken) {
  for (const int64_t classes : {7, 3}) {  // with as many classes the final layer would fit, and is drawn anew all the same
    const auto source = net_of(7), target = net_of(classes);
    const auto final_before = state_of(*target).at("fc.weight").clone();
    SafeTensors weights = weights_of(*source, "");
    weights.tensors["bn1.num_batches_tracked"] = {"I64", {}, std::vector<std::uint8_t>(8)};
    const StartWeights result = load_cn_weights("x.pth", weights, *target);
    const auto was = state_of(*source), now = state_of(*target);
    EXPECT_EQ(result.taken.size(), was.size() - 2);
    EXPECT_EQ(result.drawn, (std::vector<std::string>{"fc.bias", "fc.weight"}));
    EXPECT_TRUE(result.missing.empty() && result.unused.empty() && result.other_shape.empty());
    for (const auto& name : result.taken) EXPECT_TRUE(torch::equal(now.at(name), was.at(name) + 1)) << name;
    EXPECT_TRUE(torch::equal(now.at("fc.weight"), final_before));
  }
}

TEST(StartWeights, WhatDoesNotMatchIsListed) {
  const auto source = net_of(7), target = net_of(7, 4, "small");
  SafeTensors weights = weights_of(*source, "");
  weights.tensors.erase("layer1.0.bn1.bias");
  weights.tensors["AuxLogits.fc.bias"] = stored(torch::zeros({7}));
  weights.tensors["stranger"] = stored(torch::zeros({7}));
  const auto before = state_of(*target).at("conv1.weight").clone();
  const StartWeights result = load_cn_weights("x.pth", weights, *target);
  EXPECT_EQ(result.other_shape, (std::vector<std::string>{"conv1.weight: 4×3×7×7 in the file, 4×3×3×3 in the net"}));
  EXPECT_EQ(result.missing, (std::vector<std::string>{"layer1.0.bn1.bias"}));
  EXPECT_EQ(result.unused, (std::vector<std::string>{"stranger"}));
  EXPECT_EQ(result.auxiliary, 1U);
  EXPECT_TRUE(torch::equal(state_of(*target).at("conv1.weight"), before));
  for (const char* part : {"taken: ", "conv1.weight: 4×3×7×7", "layer1.0.bn1.bias", "stranger", "auxiliary", "fc.weight"})
    EXPECT_NE(result.text().find(part), std::string::npos) << part;
}

TEST(StartWeights, OfOurOwnModelTheCnCounts) {
  const auto source = net_of(7), target = net_of(7);
  SafeTensors weights = weights_of(*source, "cls.");
  weights.tensors["fusion.model.1.weight"] = stored(torch::zeros({3, 3, 3, 3}));
  const StartWeights result = load_cn_weights("m.safetensors", weights, *target);
  EXPECT_EQ(result.taken.size(), state_of(*source).size() - 2);
  EXPECT_TRUE(result.unused.empty());
}

FmpnNet whole_net(bool masked) {
  ModelInfo info;
  info.cn = "resnet18", info.cn_width = 4, info.cn_stem = "small", info.fmg_width = 4, info.input_size = 24;
  info.classes = {"a", "b", "c"};
  info.uses_masks = masked;
  return FmpnNet(info);
}

TEST(StartWeights, AWholeModelGivesAllItsNetworks) {
  FmpnNet source = whole_net(true), target = whole_net(true), alone = whole_net(false);
  const SafeTensors weights = weights_of(*source, "");
  const auto drawn = state_of(*target).at("cls.fc.weight").clone();
  const StartWeights all = load_start_weights("m.safetensors", weights, *target);
  const auto was = state_of(*source), now = state_of(*target);
  EXPECT_EQ(all.taken.size(), was.size() - 2);
  EXPECT_TRUE(torch::equal(now.at("resface.res_top.0.weight"), was.at("resface.res_top.0.weight") + 1));
  EXPECT_TRUE(torch::equal(now.at("fusion.model.1.weight"), was.at("fusion.model.1.weight") + 1));
  EXPECT_TRUE(torch::equal(now.at("cls.fc.weight"), drawn));
  // A baseline takes the CN, and the list says what it leaves.
  const StartWeights cn = load_start_weights("m.safetensors", weights, *alone);
  EXPECT_EQ(cn.taken.size(), state_of(*alone).size() - 2);
  EXPECT_EQ(cn.unused.size(), was.size() - state_of(*alone).size());
  SafeTensors foreign;
  foreign.tensors["conv1.weight"] = stored(torch::zeros({4, 3, 3, 3}));
  test::expect_error(ErrorCode::kBadFormat, {"x.safetensors", "no tensor"}, [&] { load_start_weights("x.safetensors", foreign, *target); });
}

TEST(StartWeights, FmgComesWholeFromAModelOrItsOwnFile) {
  FmpnNet source = whole_net(true);
  const auto was = state_of(*source->fmg);
  for (const SafeTensors& weights : {weights_of(*source, ""), weights_of(*source->fmg, "")}) {
    FmpnNet target = whole_net(true);
    const auto cn = state_of(*target).at("cls.conv1.weight").clone();
    const StartWeights result = load_fmg_weights("m.safetensors", weights, *target->fmg);
    EXPECT_EQ(result.taken.size(), was.size());
    EXPECT_TRUE(result.drawn.empty() && result.missing.empty() && result.unused.empty() && result.other_shape.empty()) << result.text();
    for (const auto& [name, value] : state_of(*target->fmg)) EXPECT_TRUE(torch::equal(value, was.at(name) + 1)) << name;
    EXPECT_TRUE(torch::equal(state_of(*target).at("cls.conv1.weight"), cn)) << "the others stay";
  }
  const auto refused = [&](const SafeTensors& weights, const std::vector<std::string>& parts) {
    test::expect_error(ErrorCode::kBadFormat, parts, [&] { load_fmg_weights("f.pth", weights, *source->fmg); });
  };
  refused(weights_of(*net_of(7), ""), {"f.pth", "no feature_extractor.0.weight", "whole"});
  SafeTensors lacking = weights_of(*source, "");
  lacking.tensors.erase("resface.res_top.0.weight");
  refused(lacking, {"f.pth", "no res_top.0.weight"});
  // PReLUs have one weight at any width: a few tensors of another FMG would fit.
  refused(weights_of(*Fmg(FmgOptions(24, 8)), ""), {"f.pth", "another shape: feature_extractor", "in the file", "in the net"});
}

TEST(StartWeights, Faults) {
  const auto target = net_of(7);
  SafeTensors none;
  none.tensors["other"] = stored(torch::zeros({7}));
  test::expect_error(ErrorCode::kBadFormat, {"x.pth", "no tensor"}, [&] { load_cn_weights("x.pth", none, *target); });
  SafeTensors wrong = weights_of(*target, "");
  wrong.tensors["bn1.weight"] = stored(torch::full({4}, NAN));
  test::expect_error(ErrorCode::kBadFormat, {"x.pth", "bn1.weight", "finite"}, [&] { load_cn_weights("x.pth", wrong, *target); });
  wrong.tensors["bn1.weight"] = {"I32", {4}, std::vector<std::uint8_t>(16)};
  test::expect_error(ErrorCode::kBadFormat, {"x.pth", "bn1.weight", "I32"}, [&] { load_cn_weights("x.pth", wrong, *target); });
}

}  // namespace
}  // namespace fmpn::train
