// The engine that runs compiled networks against torch, which runs the same networks as they are written.

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "expect_error.h"
#include "runtime/arena_layout.h"
#include "runtime/compiled_net.h"
#include "runtime/engines.h"
#include "runtime/net_plan.h"
#include "runtime/working_memory.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace fmpn {
namespace {

std::vector<Image> pictures(int side, int count) {
  std::vector<Image> result(static_cast<std::size_t>(count));
  std::mt19937 generator(static_cast<unsigned>(side));
  for (Image& image : result) {
    image.width = image.height = side;
    for (int i = 0; i < side * side * 3; ++i) image.pixels.push_back(static_cast<std::uint8_t>(generator() & 0xff));
  }
  return result;
}

std::vector<ImageView> views(const std::vector<Image>& images) {
  std::vector<ImageView> result;
  for (const Image& image : images) result.push_back(image.view());
  return result;
}

/// The largest difference, in units of the largest number of `a` where that is above 1.
float difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  float worst = 0, scale = 1;
  for (std::size_t i = 0; i < a.size(); ++i) scale = std::max(scale, std::abs(a[i])), worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst / scale;
}

struct Net {
  const char* cn;
  int width, side, fmg_width;
  bool masks;
  bool mirror = false;
};
void PrintTo(const Net& net, std::ostream* out) {
  *out << net.cn << " of width " << net.width << " at " << net.side << (net.masks ? "" : ", baseline") << (net.mirror ? ", mirrored" : "");
}

class CpuEngine : public ::testing::TestWithParam<Net> {
 protected:
  void SetUp() override {
    ModelInfo info = test::tiny_model_info();
    info.cn = GetParam().cn, info.cn_width = GetParam().width, info.fmg_width = GetParam().fmg_width;
    info.input_size = info.crop_size = GetParam().side;
    info.uses_masks = GetParam().masks, info.mirror_average = GetParam().mirror;
    info.cn_stem = info.cn == "resnet18" && info.input_size < 64 ? "small" : "imagenet";
    test::write_tiny_model(folder_.file("m"), info);
    torch_ = make_torch_engine(load_model(folder_.file("m")), torch::kCPU, Precision::kFp32);
  }
  test::TemporaryFolder folder_;
  std::shared_ptr<const Engine> torch_;
};

TEST_P(CpuEngine, AnswersAsTorch) {
  const auto compiled = make_cpu_engine(open_model(folder_.file("m")), Precision::kFp32);
  for (const int count : {1, 3, 2}) {
    const auto images = pictures(GetParam().side, count);
    const auto expected = torch_->classify(views(images)), given = compiled->classify(views(images));
    ASSERT_EQ(given.size(), static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < given.size(); ++i) {
      EXPECT_LT(difference(expected[i].logits, given[i].logits), 1e-4F) << i << " of " << count;
      EXPECT_LT(difference(expected[i].probabilities, given[i].probabilities), 1e-4F);
      EXPECT_LT(difference(expected[i].mask.values, given[i].mask.values), 1e-4F);
    }
    if (!GetParam().masks) continue;
    const auto masks = compiled->generate_masks(views(images));
    const auto again = compiled->classify(views(images), masks);
    for (std::size_t i = 0; i < given.size(); ++i) EXPECT_EQ(again[i].logits, given[i].logits);
  }
}

TEST_P(CpuEngine, InBfloat16NearlySo) {
  if (!cpu_has_bfloat16()) GTEST_SKIP() << "this CPU has no bfloat16";
  const auto compiled = make_cpu_engine(open_model(folder_.file("m")), Precision::kBf16);
  const auto images = pictures(GetParam().side, 2);
  const auto expected = torch_->classify(views(images)), given = compiled->classify(views(images));
  for (std::size_t i = 0; i < given.size(); ++i) {
    const float mask = difference(expected[i].mask.values, given[i].mask.values);
    EXPECT_LT(mask, 3e-2F);
    EXPECT_LT(difference(expected[i].probabilities, given[i].probabilities), 0.1F);
    // Single precision is within some 1e-6 of torch.
    EXPECT_GT(difference(expected[i].logits, given[i].logits), 1e-5F) << "it is single precision";
    if (GetParam().fmg_width >= 32) {
      EXPECT_GT(mask, 1e-4F) << "a wide FMG is in half precision";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, CpuEngine,
                         ::testing::Values(Net{"resnet18", 4, 48, 2, true}, Net{"resnet18", 32, 40, 8, true},
                                           Net{"resnet18", 8, 40, 2, true, true}, Net{"resnet18", 8, 40, 2, false, true},
                                           Net{"resnet18", 12, 71, 3, true}, Net{"resnet18", 8, 48, 32, true},
                                           Net{"resnet18", 8, 47, 32, true}, Net{"resnet50", 8, 64, 2, false},
                                           Net{"densenet121", 8, 64, 2, true}, Net{"vgg16", 4, 36, 2, true},
                                           Net{"vgg19_bn", 4, 64, 2, false}, Net{"vgg19", 4, 36, 2, false},
                                           Net{"vgg16_bn", 4, 36, 2, false}, Net{"resnet152", 4, 64, 2, false},
                                           Net{"inception_v3", 64, 75, 16, true}));

/// Names of what oneDNN does a net's layers with.
std::vector<std::string> implementations(const TensorFunction& net, const std::vector<NetInput>& inputs, std::int64_t traced_side, bool bf16,
                                         std::int64_t n) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> examples;
  for (const NetInput& input : inputs) examples.push_back(torch::zeros({1, input.channels, traced_side, traced_side}));
  LayerGraph graph = trace_layers(net, examples);
  fuse_layers(graph);
  std::vector<PackedLayer> packed(graph.layers.size());
  const auto plan = make_plan(graph, packed, [](const torch::Tensor& weight) { return weight; }, bf16, n, inputs);
  std::vector<std::string> names;
  for (const Operation& operation : plan->operations) {
    if (operation.function) continue;
    const char* name = nullptr;
    dnnl_primitive_desc_query(operation.primitive.get_primitive_desc(), dnnl_query_impl_info_str, 0, &name);
    names.emplace_back(name);
  }
  return names;
}

/// Under meson once more with ONEDNN_MAX_CPU_ISA=AVX2: what is fast on one CPU may be left to the reference on another.
TEST_P(CpuEngine, NoLayerIsLeftToTheReference) {
  auto net = load_model(folder_.file("m")).net;
  for (auto& parameter : net->parameters()) parameter.set_requires_grad(false);
  const std::int64_t side = GetParam().side, traced = std::min<std::int64_t>(side, std::string(GetParam().cn) == "inception_v3" ? 75 : 32);
  const auto expect_none = [&](const TensorFunction& part, const std::vector<NetInput>& inputs, std::int64_t traced_part, bool bf16) {
    for (const int n : {1, 16}) {
      const auto names = implementations(part, inputs, traced_part, bf16, n);
      ASSERT_GT(names.size(), 8U);
      for (const std::string& name : names) EXPECT_NE(name.substr(0, 3), "ref") << n << " pictures" << (bf16 ? ", bf16" : "");
    }
  };
  const TensorFunction fmg = [&](const auto& in) { return net->fmg->forward(in[0]); },
                       alone = [&](const auto& in) { return net->cn->forward(in[0]); },
                       fused = [&](const auto& in) { return net->cn->forward(net->pfn->forward(in[0], in[1])); };
  for (const bool bf16 : {false, true}) {
    if (bf16 && !cpu_has_bfloat16()) continue;
    if (!GetParam().masks) {
      expect_none(alone, {{side, 3}}, traced, bf16);
      continue;
    }
    expect_none(fmg, {{side, 1}}, 8 + side % 4, bf16 && GetParam().fmg_width >= 32);
    expect_none(fused, {{side, 3}, {side, 1}}, traced, bf16);
  }
}

TEST(MirrorAverage, AFaceAndItsMirrorImageAreTheSame) {
  const test::TemporaryFolder folder;
  ModelInfo info = test::tiny_model_info();
  info.uses_masks = false;  // FMG does see a difference
  info.crop_size = info.input_size;
  const auto images = pictures(info.input_size, 1);
  Image mirrored = images[0];
  const auto side = static_cast<std::size_t>(info.input_size);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      for (std::size_t c = 0; c < 3; ++c) mirrored.pixels[3 * (y * side + x) + c] = images[0].pixels[3 * (y * side + side - 1 - x) + c];
  for (const bool average : {false, true}) {
    info.mirror_average = average;
    const std::string file = folder.file(average ? "average" : "plain");
    test::write_tiny_model(file, info);
    EXPECT_EQ(read_model_info(file).mirror_average, average);
    const auto engine = make_cpu_engine(open_model(file), Precision::kFp32);
    const float apart = difference(engine->classify({images[0].view()})[0].logits, engine->classify({mirrored.view()})[0].logits);
    if (average) EXPECT_LT(apart, 1e-5F);
    else EXPECT_GT(apart, 1e-4F);
  }
}

TEST(CpuEngineBatches, MoreThanFitOne) {
  const test::TemporaryFolder folder;
  test::write_tiny_model(folder.file("m"), test::tiny_model_info());
  const auto compiled = make_cpu_engine(open_model(folder.file("m")), Precision::kFp32);
  const auto images = pictures(48, 37);
  const auto all = compiled->classify(views(images));
  ASSERT_EQ(all.size(), 37U);
  for (const std::size_t i : {0U, 15U, 16U, 31U, 32U, 36U})
    EXPECT_LT(difference(all[i].logits, compiled->classify({images[i].view()})[0].logits), 1e-4F) << i;
}

/// What a compiled net makes of 1×4×6×6 noise, and what torch does.
void expect_as_torch(const TensorFunction& net) {
  torch::manual_seed(3);
  const auto x = torch::randn({1, 4, 6, 6});
  const auto expected = net({x});
  LayerGraph graph = trace_layers(net, {x});
  fuse_layers(graph);
  const auto pixels = x.permute({0, 2, 3, 1}).contiguous();
  const CompiledNet compiled(
      std::move(graph), [](const torch::Tensor& weight) { return weight; }, {{6, 4}}, false, 2, std::make_shared<WorkingMemory>());
  const auto given = compiled.run(1, {pixels.data_ptr<float>()});
  const auto flat = expected.permute({0, 2, 3, 1}).contiguous();
  EXPECT_LT(difference({flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}, given), 1e-5F);
}

TEST(Layers, SumsAndSharedWeightsStayRight) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  const auto w = torch::randn({4, 4, 3, 3}), scale = torch::randn({1, 4, 1, 1}), other = torch::randn({1, 4, 1, 1}),
             wide = torch::randn({1, 4, 7, 7}).repeat({1, 2, 1, 1});
  const auto conv = [&](const torch::Tensor& x) { return torch::conv2d(x, w, {}, 1, 1); };
  expect_as_torch([&](const auto& in) { return torch::relu(conv(in[0]) + in[0] + torch::sigmoid(in[0])); });
  expect_as_torch([&](const auto& in) { return conv(in[0]) * scale + conv(torch::relu(in[0])) * other; });
  expect_as_torch([&](const auto& in) { return torch::relu(in[0]) * scale + other; });
  expect_as_torch([&](const auto& in) { return torch::sigmoid(torch::relu(conv(in[0])) + in[0]); });
  expect_as_torch([&](const auto& in) {
    const auto both = torch::cat({in[0], torch::relu(in[0])}, 1), first = torch::conv2d(in[0], w.narrow(0, 0, 1), {}, 1, 1);
    return torch::conv2d(both, wide, {}, 1, 3) + first;
  });
}

TEST(Layers, WhatHasNoLayerIsAnErrorThatNamesIt) {
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({1, 4, 6, 6}), w = torch::randn({4, 4, 3, 3});
  const auto expect_refused = [&](const char* what, const TensorFunction& net) {
    test::expect_error(ErrorCode::kRuntime, {what}, [&] { trace_layers(net, {x}); });
  };
  expect_refused("aten::tanh", [](const auto& in) { return torch::tanh(in[0]); });
  expect_refused("aten::mul", [](const auto& in) { return in[0] * torch::full({1}, 0.5F); });
  expect_refused("factor", [](const auto& in) { return torch::add(in[0], torch::relu(in[0]), 2); });
  expect_refused("dilation", [&](const auto& in) { return torch::conv2d(in[0], w, {}, 1, 2, 2); });
  expect_refused("max_pool2d", [](const auto& in) { return torch::max_pool2d(in[0], 2, 2, 0, 1, /*ceil_mode=*/true); });
  expect_refused("avg_pool2d", [](const auto& in) { return torch::avg_pool2d(in[0], 3, 1, 1, false, /*count_include_pad=*/false); });
  expect_refused("slice", [](const auto& in) { return in[0].slice(2, 0, 4); });
  expect_refused("cat", [](const auto& in) { return torch::cat({in[0], in[0]}, 2); });
  expect_refused("flatten", [](const auto& in) { return in[0].flatten(2); });
  expect_refused("dropout", [](const auto& in) { return torch::dropout(in[0], 0.5, /*train=*/true); });
  expect_refused("different sizes", [](const auto& in) { return in[0] + torch::adaptive_avg_pool2d(in[0], {1, 1}); });
  const auto one = torch::ones({4}), mean = torch::zeros({4}), variance = torch::ones({4});
  expect_refused("batch_norm", [&](const auto& in) {
    return torch::batch_norm(in[0], one, one, mean, variance, /*training=*/true, 0.1, 1e-5, false);
  });
  const auto up = torch::randn({4, 2, 4, 4});
  expect_refused("transposed", [&](const auto& in) { return torch::conv_transpose2d(in[0], up, {}, 2, 1, {1, 0}); });
  // What a view of a value is changed to would change the value, too.
  expect_refused("relu_", [](const auto& in) {
    const auto x = torch::sigmoid(in[0]);
    auto part = x.slice(2, 0, std::numeric_limits<std::int64_t>::max(), 2);
    part.relu_();
    return x;
  });
  const auto bias = torch::randn({3}), rows = torch::randn({144, 3});
  expect_refused("addmm", [&](const auto& in) { return torch::addmm(bias, in[0].flatten(1), rows, 1, 2); });
}

TEST(Layers, WhatIsDoneInPlaceComesAfterItsEarlierUses) {
  const torch::NoGradGuard no_grad;
  const auto w = torch::randn({4, 4, 3, 3});
  expect_as_torch([&](const auto& in) {
    auto x = torch::conv2d(in[0], w, {}, 1, 1);
    const auto before = torch::sigmoid(x);
    const auto after = torch::relu_(x);
    return torch::cat({before, after + x}, 1);
  });
}

TEST(Layers, AnOblongPoolStepsByItsOwnSides) {
  expect_as_torch([](const auto& in) { return torch::avg_pool2d(in[0], {2, 3}); });
}

TEST(Layers, AValueThatNothingUsesHarmsNone) {
  // By hand, for the tracer leaves out what nothing uses: x is needed until the end, and `unused` is written before that.
  const Layer::Step sigmoid{Layer::Step::Kind::kSigmoid, 0, -1}, relu{Layer::Step::Kind::kLeaky, 0, -1};
  const auto activation = [](int from, int to, const Layer::Step& step) {
    Layer layer;
    layer.kind = Layer::Kind::kActivation;
    layer.inputs = {from}, layer.output = to, layer.steps = {step};
    return layer;
  };
  LayerGraph graph;
  graph.values = 4, graph.output = 3;
  Layer sum;
  sum.kind = Layer::Kind::kAdd;
  sum.inputs = {1, 0}, sum.output = 3;
  graph.layers = {activation(0, 1, sigmoid), activation(1, 2, relu), sum};
  const auto x = torch::randn({1, 4, 6, 6});
  const auto pixels = x.permute({0, 2, 3, 1}).contiguous(), expected = (torch::sigmoid(x) + x).permute({0, 2, 3, 1}).contiguous();
  const CompiledNet compiled(
      std::move(graph), [](const torch::Tensor& weight) { return weight; }, {{6, 4}}, false, 1, std::make_shared<WorkingMemory>());
  const auto given = compiled.run(1, {pixels.data_ptr<float>()});
  EXPECT_LT(difference({expected.data_ptr<float>(), expected.data_ptr<float>() + expected.numel()}, given), 1e-6F);
}

TEST(WorkingMemory, ALargeBlockIsGivenUpWhenSmallOnesFollow) {
  constexpr std::size_t kLarge = std::size_t{300} << 20, kSmall = std::size_t{10} << 20;
  fmpn::WorkingMemory memory;
  const auto size_for = [&](std::size_t bytes) {
    auto block = memory.take(bytes);
    const std::size_t size = block->size();
    memory.give_back(std::move(block));
    return size;
  };
  EXPECT_EQ(size_for(kLarge), kLarge);
  EXPECT_EQ(size_for(kSmall), kLarge) << "the next batch may be large again";
  std::size_t size = 0;
  for (int i = 0; i < 20; ++i) size = size_for(kSmall);
  EXPECT_EQ(size, kSmall);
  EXPECT_EQ(size_for(kLarge), kLarge);
  for (int i = 0; i < 60; ++i) size = i % 3 == 0 ? size_for(kLarge) : size_for(kSmall);
  EXPECT_EQ(size, kLarge) << "large and small ones in turn";
}

TEST(ArenaLayout, SlotsOfOneTimeDoNotOverlap) {
  std::mt19937 generator(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<Slot> slots;
    std::size_t sum = 0;
    for (int i = 0; i < 40; ++i) {
      const int first = static_cast<int>(generator() % 60);
      slots.push_back({generator() % 5000 + 1, first, first + static_cast<int>(generator() % 8), 0});
      sum += slots.back().bytes;
    }
    const std::size_t total = place_slots(slots);
    EXPECT_LT(total, sum) << "nothing is used twice";
    for (const Slot& a : slots) {
      EXPECT_EQ(a.offset % 64, 0U);
      EXPECT_LE(a.offset + a.bytes, total);
      for (const Slot& b : slots) {
        if (&a == &b || a.first > b.last || b.first > a.last) continue;
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      }
    }
  }
  std::vector<Slot> chain{{100, 0, 1, 0}, {100, 1, 2, 0}, {100, 2, 3, 0}, {100, 3, 4, 0}};
  EXPECT_EQ(place_slots(chain), 256U) << "two are enough";
}

}  // namespace
}  // namespace fmpn
