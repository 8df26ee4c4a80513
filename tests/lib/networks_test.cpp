#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "nn/fmpn_net.h"
#include "nn/upsample.h"

#include "expect_error.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace fmpn {
namespace {

using Shapes = std::map<std::string, std::string>;

std::string text_of(torch::IntArrayRef sizes) {
  std::string text;
  for (const int64_t n : sizes) text += (text.empty() ? "" : "x") + std::to_string(n);
  return text;
}

Shapes shapes_of(torch::nn::Module& net) {
  Shapes shapes;
  for (const auto& item : net.named_parameters()) shapes[item.key()] = text_of(item.value().sizes());
  for (const auto& item : net.named_buffers())
    if (item.key().find("num_batches_tracked") == std::string::npos) shapes[item.key()] = text_of(item.value().sizes());
  return shapes;
}

/// The frozen names: a model file of today must be readable for ever.
Shapes frozen(const std::vector<std::string>& parts) {
  const char* root = std::getenv("FMPN_SOURCE_ROOT");
  Shapes shapes;
  for (const std::string& part : parts) {
    const std::string path = std::string(root != nullptr ? root : ".") + "/tests/lib/tensor_names/" + part + ".txt";
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    std::string name, shape;
    while (file >> name >> shape) shapes[name] = shape;
  }
  return shapes;
}

int64_t parameter_count(torch::nn::Module& net) {
  int64_t count = 0;
  for (const auto& p : net.parameters()) count += p.numel();
  return count;
}

ModelInfo paper_model(const std::string& cn) {
  ModelInfo info;
  info.cn = cn;
  info.classes = {"anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"};
  return info;
}

TEST(TensorNames, OfThePapersModel) {
  FmpnNet net(paper_model("inception_v3"));
  EXPECT_EQ(shapes_of(*net), frozen({"fmg", "pfn", "inception_v3"}));
}

TEST(TensorNames, WithResNet18AndOfTheBaseline) {
  ModelInfo info = paper_model("resnet18");
  FmpnNet net(info);
  EXPECT_EQ(shapes_of(*net), frozen({"fmg", "pfn", "resnet18"}));
  info.uses_masks = false;
  FmpnNet baseline(info);
  EXPECT_EQ(shapes_of(*baseline), frozen({"resnet18"}));
}

// Names and shapes as torchvision 0.14 lists them, so that its checkpoints fit.
TEST(TensorNames, OfEveryClassificationNet) {
  for (const std::string& name : classification_nets()) {
    SCOPED_TRACE(name);
    ModelInfo info = paper_model(name);
    info.uses_masks = false;
    FmpnNet net(info);
    EXPECT_EQ(shapes_of(*net), frozen({name}));
    EXPECT_TRUE(net->named_parameters().contains("cls." + net->cn->final_layer() + ".bias"));
  }
}

// What a model file is checked for before its net is built must be a tensor of that net, of that shape.
TEST(Networks, WidthProbesAreTensorsOfTheirNets) {
  for (const std::string& name : classification_nets()) {
    if (name == "inception_v3") continue;
    for (const int64_t width : {4, 10}) {
      const auto net = make_classification_net({name, 3, width, "imagenet"});
      const WidthProbe probe = width_probe(name, width);
      const auto parameters = net->named_parameters();
      ASSERT_TRUE(parameters.contains(probe.name)) << name << ' ' << probe.name;
      EXPECT_EQ(parameters[probe.name].sizes(), torch::IntArrayRef(probe.shape)) << name;
    }
  }
}

TEST(Networks, ClassificationNetsOfOtherWidthsMakeLogits) {
  const torch::InferenceMode inference;
  for (const std::string& name : classification_nets()) {
    if (name == "inception_v3") continue;
    const auto net = make_classification_net({name, 5, 6, "imagenet"});
    net->eval();
    EXPECT_EQ(net->forward(torch::rand({2, 3, 33, 33})).sizes(), (std::vector<int64_t>{2, 5})) << name;
  }
}

TEST(Networks, ParameterCountsOfTheReference) {
  EXPECT_EQ(parameter_count(*Fmg(FmgOptions(299))), 6'040'968);
  EXPECT_EQ(parameter_count(*Pfn()), 377);
}

TEST(Networks, FmgKeepsTheSideOfItsInput) {
  for (const int side : {8, 11, 48, 299}) {
    Fmg fmg(FmgOptions(side, 1));
    const auto mask = fmg(torch::rand({1, 1, side, side}));
    EXPECT_EQ(mask.sizes(), (std::vector<int64_t>{1, 1, side, side}));
    EXPECT_GT(mask.min().item<float>(), 0);
    EXPECT_LT(mask.max().item<float>(), 1);
  }
}

TEST(Networks, FmgRefusesSidesThatTwoHalvingsCannotUndo) {
  for (const int side : {-4, 0, 4, 7, 49, 50, 297, 298})
    test::expect_error(ErrorCode::kBadSetting, {std::to_string(side)}, [&] { Fmg fmg(FmgOptions(side, 2)); });
  for (const int width : {0, -1, 1025}) test::expect_error(ErrorCode::kBadSetting, {"width"}, [&] { Fmg fmg(FmgOptions(48, width)); });
}

TEST(Networks, UpsamplingIsTheTransposedConvolution) {
  torch::manual_seed(3);
  for (const int padding : {0, 1}) {
    Upsample ours(5, 3, padding);
    torch::nn::ConvTranspose2d plain(torch::nn::ConvTranspose2dOptions(5, 3, 4).stride(2).padding(1).output_padding(padding).bias(false));
    {
      const torch::NoGradGuard no_grad;
      plain->weight.copy_(ours->weight);
    }
    const auto x = torch::rand({2, 5, 6, 9}).requires_grad_(), y = x.detach().clone().requires_grad_();
    const auto a = ours(x), b = plain(y);
    ASSERT_EQ(a.sizes(), b.sizes());
    EXPECT_TRUE(torch::allclose(a, b, 1e-5, 1e-6));
    const auto weights = torch::rand_like(b);
    (a * weights).sum().backward();
    (b * weights).sum().backward();
    EXPECT_TRUE(torch::allclose(ours->weight.grad(), plain->weight.grad(), 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(x.grad(), y.grad(), 1e-4, 1e-5));
  }
}

// What is done in place must not be needed on the way back: autograd says so, but only there.
TEST(Networks, EveryNetHasAWayBack) {
  for (const auto& [name, width, side] : std::vector<std::tuple<std::string, int, int>>{
           {"inception_v3", 64, 75}, {"resnet18", 4, 32}, {"resnet50", 4, 32}, {"densenet121", 4, 32}, {"vgg16", 4, 32}, {"vgg19_bn", 4, 32}}) {
    ModelInfo info;
    info.classes = {"a", "b"};
    info.cn = name, info.cn_width = width, info.cn_stem = "imagenet", info.fmg_width = 2;
    info.input_size = info.crop_size = side;
    FmpnNet net(info);
    const auto output = net->forward(torch::rand({3, 3, side, side}));
    ASSERT_NO_THROW((output.logits.sum() + output.mask.sum()).backward()) << name;
    for (const auto& parameter : net->named_parameters()) EXPECT_TRUE(parameter.value().grad().defined()) << name << ' ' << parameter.key();
  }
}

// oneDNN's strided 1×1 convolution corrupts the heap in just this case; malloc notices when it is used again.
TEST(Networks, ANarrowNetTrainsOnAnOddBatch) {
  const int threads = torch::get_num_threads();
  torch::set_num_threads(2);
  auto net = make_classification_net({"resnet18", 7, 12, "small"});
  const auto pictures = torch::rand({165, 3, 40, 40}).contiguous(torch::MemoryFormat::ChannelsLast);
  for (auto& parameter : net->parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  for (int step = 0; step < 3; ++step) {
    net->zero_grad();
    net->forward(pictures).square().sum().backward();
    std::vector<torch::Tensor> others;
    for (int64_t size = 1; size < 2000; size += 37) others.push_back(torch::rand({size}));
  }
  for (const auto& parameter : net->parameters()) EXPECT_TRUE(torch::isfinite(parameter.grad()).all().item<bool>());
  torch::set_num_threads(threads);
}

TEST(Networks, UnknownClassificationNets) {
  test::expect_error(ErrorCode::kBadSetting, {"vgg99"}, [] { make_classification_net({"vgg99", 7, 64, "imagenet"}); });
  test::expect_error(ErrorCode::kBadSetting, {"stem", "big"}, [] { make_classification_net({"resnet18", 7, 64, "big"}); });
  test::expect_error(ErrorCode::kBadSetting, {"width"}, [] { make_classification_net({"resnet18", 7, 3, "small"}); });
  test::expect_error(ErrorCode::kBadSetting, {"width 65", "densenet121"}, [] {
    make_classification_net({"densenet121", 7, 65, "imagenet"});
  });
  test::expect_error(ErrorCode::kBadSetting, {"width 32", "inception_v3"}, [] {
    make_classification_net({"inception_v3", 7, 32, "imagenet"});
  });
  test::expect_error(ErrorCode::kBadSetting, {"stem", "vgg16"}, [] { make_classification_net({"vgg16", 7, 64, "small"}); });
  test::expect_error(ErrorCode::kBadSetting, {"1 classes"}, [] { make_classification_net({"resnet18", 1, 8, "small"}); });
}

TEST(Networks, LumaWeights) {
  const auto rgb = torch::tensor({1.0F, 0.5F, 0.25F}).view({1, 3, 1, 1});
  EXPECT_NEAR(luma(rgb).item<float>(), 0.299 + 0.587 * 0.5 + 0.114 * 0.25, 1e-6);
}

// The whole is FMG on the luma, PFN on the face and mask × luma, CN on the fused face.
TEST(Networks, TheNetIsTheChainOfItsParts) {
  torch::manual_seed(5);
  FmpnNet net(test::tiny_model_info());
  initialise_for_scratch(*net);
  net->eval();
  const torch::InferenceMode inference;
  const auto rgb = torch::rand({2, 3, 48, 48});
  const auto output = net(rgb);
  const auto mask = net->fmg(luma(rgb));
  EXPECT_TRUE(torch::equal(output.mask, mask));
  EXPECT_TRUE(torch::equal(net->generate_mask(rgb), mask));
  EXPECT_TRUE(torch::equal(output.logits, net->cn->forward(net->pfn(rgb, mask * luma(rgb)))));
  EXPECT_TRUE(torch::equal(net->forward(rgb, mask).logits, output.logits));
  EXPECT_FALSE(torch::equal(net->forward(rgb, torch::zeros_like(mask)).logits, output.logits)) << "the mask has no influence";
}

// Phase 2 does not freeze FMG: the cross-entropy alone reaches its first convolution through mask × face.
TEST(Networks, TheClassLossReachesFmgThroughTheMask) {
  torch::manual_seed(6);
  FmpnNet net(test::tiny_model_info());
  initialise_for_scratch(*net);
  net->train();
  const auto output = net(torch::rand({4, 3, 48, 48}));
  torch::nn::functional::cross_entropy(output.logits, torch::tensor({0, 3, 6, 1})).backward();
  const auto gradient = net->named_parameters()["resface.feature_extractor.0.weight"].grad();
  ASSERT_TRUE(gradient.defined());
  EXPECT_TRUE(torch::isfinite(gradient).all().item<bool>());
  EXPECT_GT(gradient.abs().max().item<double>(), 0);
  EXPECT_TRUE(net->named_parameters()["fusion.process_b.0.weight"].grad().abs().max().item<double>() > 0);
}

TEST(Networks, PfnFromScratchLetsFaceAndMaskedFaceThrough) {
  torch::manual_seed(4);
  FmpnNet net(paper_model("resnet18"));
  initialise_as_published(*net);
  start_near_identity(*net->pfn);
  net->pfn->train();
  const auto face = torch::rand({8, 3, 20, 20}), masked = torch::rand({8, 1, 20, 20});
  const auto closed = [](const torch::Tensor& x) { return x.eq(0).to(torch::kFloat64).mean().item<double>(); };
  EXPECT_LE(closed(net->pfn->process_a->forward(face)), 0.01);
  EXPECT_LE(closed(net->pfn->process_b->forward(masked)), 0.01);
  const auto correlation = [](const torch::Tensor& a, const torch::Tensor& b) {
    const auto x = a - a.mean(), y = b - b.mean();
    return ((x * y).mean() / (x.square().mean() * y.square().mean()).sqrt()).item<double>();
  };
  const auto fused = net->pfn->forward(face, masked);
  for (int64_t plane = 0; plane < 3; ++plane) {
    EXPECT_GE(correlation(fused.select(1, plane), face.select(1, plane)), 0.8) << plane;
    EXPECT_GE(correlation(fused.select(1, plane), masked.select(1, 0)), 0.3) << plane;
  }
  EXPECT_NEAR(fused.mean().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(fused.std().item<double>(), face.std().item<double>(), 0.1);
}

TEST(Networks, PublishedInitialisation) {
  torch::manual_seed(7);
  ModelInfo info = paper_model("resnet18");
  info.fmg_width = 16;
  info.input_size = 48;
  FmpnNet net(info);
  initialise_as_published(*net);
  const auto p = net->named_parameters();
  // Xavier-normal with gain 0.02: deviation 0.02 · √(2 / (fan in + fan out)); here (64 + 64) · 9.
  const auto& weight = p["resface.feature_extractor.10.conv_block.0.weight"];
  EXPECT_NEAR(weight.std().item<double>(), 0.02 * std::sqrt(2.0 / (128 * 9)), 2e-5);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 2e-5);
  EXPECT_NEAR(p["cls.layer4.0.bn1.weight"].mean().item<double>(), 1, 0.005);
  EXPECT_NEAR(p["cls.layer4.0.bn1.weight"].std().item<double>(), 0.02, 0.004);
  EXPECT_EQ(p["cls.layer4.0.bn1.bias"].abs().max().item<double>(), 0);
  EXPECT_EQ(p["cls.fc.bias"].abs().max().item<double>(), 0);
  EXPECT_EQ(p["resface.feature_extractor.10.conv_block.2.weight"].item<double>(), 0.25) << "PReLU keeps its slope";
}

}  // namespace
}  // namespace fmpn
