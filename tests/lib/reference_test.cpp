// Our networks against the same networks written by others, in PyTorch for Python, with the same weights.

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include <gtest/gtest.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include "nn/classification_net.h"
#include "nn/pfn.h"
#include "runtime/safetensors.h"

#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn {
namespace {

constexpr char kPython[] = "/usr/bin/python3";  // Debian's, the one that sees python3-torch

StoredTensor stored(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().contiguous();
  StoredTensor out{"F32", flat.sizes().vec(), std::vector<std::uint8_t>(flat.nbytes())};
  std::memcpy(out.bytes.data(), flat.data_ptr(), out.bytes.size());
  return out;
}

/// Draws every weight and every running statistic, so that none of them is left out of the comparison unnoticed.
void draw_weights(torch::nn::Module& net) {
  const torch::NoGradGuard no_grad;
  for (auto& item : net.named_parameters()) {
    torch::Tensor& value = item.value();
    if (value.dim() >= 2) torch::nn::init::kaiming_normal_(value);
    else if (item.key().find("bias") != std::string::npos) value.uniform_(-0.2, 0.2);
    else value.uniform_(0.2, 1.2);
  }
  for (auto& item : net.named_buffers()) {
    if (item.key().find("running_mean") != std::string::npos) item.value().uniform_(-0.3, 0.3);
    if (item.key().find("running_var") != std::string::npos) item.value().uniform_(0.3, 1.5);
  }
  net.eval();
}

struct Case {
  const char* name;
  int side;   ///< small where the architecture allows; odd to see how halvings round
  int width;  ///< of VGG 8: half a gigabyte of weights would show nothing more
};
constexpr Case kCases[] = {{"resnet18", 224, 64},   {"resnet50", 75, 64},      {"resnet152", 64, 64},
                           {"densenet121", 75, 64}, {"inception_v3", 299, 64}, {"vgg16", 75, 8},
                           {"vgg16_bn", 64, 8},     {"vgg19", 64, 8},          {"vgg19_bn", 75, 8}};

class Reference : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::manual_seed(11);
    folder_ = std::make_unique<test::TemporaryFolder>();
    const torch::InferenceMode inference;
    for (const int side : {48, 47}) {
      Fmg fmg(FmgOptions(side, 4));
      const auto gray = torch::rand({2, 1, side, side});
      add("fmg" + std::to_string(side), "fmg", *fmg, {gray}, [&] { return fmg(gray); });
    }
    Pfn pfn;
    const auto face = torch::rand({2, 3, 31, 31}), masked = torch::rand({2, 1, 31, 31});
    add("pfn", "pfn", *pfn, {face, masked}, [&] { return pfn(face, masked); });
    for (const Case& c : kCases) {
      const auto net = make_classification_net({c.name, 7, c.width, "imagenet"});
      const auto rgb = torch::rand({1, 3, c.side, c.side});
      add(c.name, c.name, *net, {rgb}, [&, n = net] { return n->forward(rgb); });
    }
    std::vector<std::string> command{kPython, std::string(std::getenv("FMPN_SOURCE_ROOT") ? std::getenv("FMPN_SOURCE_ROOT") : ".") +
                                                  "/tests/lib/torchvision_reference.py"};
    for (const auto& item : ours_) command.push_back(folder_->file(item.first));
    outcome_ = test::run_program(command);
  }
  static void TearDownTestSuite() {
    ours_.clear();
    folder_.reset();
  }
  void SetUp() override {
    if (outcome_.status == 77 || outcome_.status == 127)
      GTEST_SKIP() << "python3-torch or python3-torchvision is not installed: " << outcome_.out;
    ASSERT_EQ(outcome_.status, 0) << outcome_.err;
  }

  template <typename Forward>
  static void add(const std::string& file, const std::string& network, torch::nn::Module& net, const std::vector<torch::Tensor>& inputs,
                  const Forward& forward) {
    draw_weights(net);
    SafeTensors content;
    content.metadata["network"] = network;
    for (const auto& item : net.named_parameters()) content.tensors["net." + item.key()] = stored(item.value());
    for (const auto& item : net.named_buffers())
      if (item.value().is_floating_point()) content.tensors["net." + item.key()] = stored(item.value());
    for (std::size_t i = 0; i < inputs.size(); ++i) content.tensors["input." + std::to_string(i)] = stored(inputs[i]);
    write_safetensors(folder_->file(file), content);
    ours_[file] = forward();
  }

  /// Largest difference, in units of the largest value.
  static void expect_equal(const std::string& file, double tolerance) {
    const std::string raw = test::read_text(folder_->file(file + ".out"));
    const torch::Tensor& ours = ours_.at(file);
    ASSERT_EQ(raw.size(), ours.nbytes());
    const auto theirs = torch::from_blob(const_cast<char*>(raw.data()), ours.sizes(), torch::kFloat32);
    EXPECT_GT(theirs.std().item<double>(), 1e-3) << "a constant output proves nothing";
    EXPECT_LE((ours - theirs).abs().max().item<double>(), tolerance * std::max(1.0, theirs.abs().max().item<double>()));
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline std::map<std::string, torch::Tensor> ours_;
  static inline test::Outcome outcome_;
};

TEST_F(Reference, FmgOfAnEvenSide) { expect_equal("fmg48", 1e-5); }
TEST_F(Reference, FmgOfAnOddSide) { expect_equal("fmg47", 1e-5); }
TEST_F(Reference, Pfn) { expect_equal("pfn", 1e-5); }
TEST_F(Reference, ClassificationNets) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    expect_equal(c.name, 1e-4);
  }
}

TEST_F(Reference, EveryClassificationNetIsCompared) {
  std::vector<std::string> compared;
  for (const Case& c : kCases) compared.push_back(c.name);
  std::vector<std::string> known = classification_nets();
  std::sort(compared.begin(), compared.end());
  std::sort(known.begin(), known.end());
  EXPECT_EQ(compared, known);
}

}  // namespace
}  // namespace fmpn
