// The paper's two phases, step and schedule, against numbers that Python made.

#include "optimisation.h"

#include <gtest/gtest.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include "group_sgd.h"
#include "runtime/model_file.h"
#include "schedule.h"

#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

constexpr int64_t kBatch = 6, kClasses = 7;

FitOptions options() {
  FitOptions o;  // the paper's, but for the nets' sizes
  o.model.cn = "densenet121";
  o.model.cn_width = 8;
  o.model.fmg_width = 2;
  o.model.input_size = 32;
  o.model.classes = {"anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"};
  return o;
}

/// Both sides compute in 64 bits: Adam's first step is lr · sign(gradient), and in 32 bits the sign of a gradient that is
/// nearly 0 would be chance.
class Step : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::manual_seed(21);
    folder_ = std::make_unique<test::TemporaryFolder>();
    FmpnNet net(options().model);
    initialise_as_published(*net);
    SafeTensors content;
    for (const auto& [key, value] : state_of(*net)) content.tensors["net." + key] = stored_as(value, false);
    labels_ = torch::arange(kBatch) % kClasses;
    batch_ = {torch::rand({kBatch, 3, 32, 32}), torch::rand({kBatch, 1, 32, 32})};
    content.tensors["rgb"] = stored_as(batch_.rgb, false);
    content.tensors["mask"] = stored_as(batch_.mask, false);
    content.tensors["label"] = stored_as(labels_, false);
    write_safetensors(folder_->file("case"), content);
    start_ = content;
    const char* root = std::getenv("FMPN_SOURCE_ROOT");
    outcome_ = test::run_program({"/usr/bin/python3", std::string(root != nullptr ? root : ".") + "/tests/train/optimiser_reference.py",
                                  folder_->file("case"), folder_->file("result")});
    if (outcome_.status == 0) result_ = read_safetensors(folder_->file("result"));
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (outcome_.status == 77 || outcome_.status == 127)
      GTEST_SKIP() << "python3-torch or python3-torchvision is not installed: " << outcome_.out;
    ASSERT_EQ(outcome_.status, 0) << outcome_.err;
  }
  static torch::Tensor theirs(const std::string& key) { return view_of(result_.tensors.at(key)); }

  static void compare(int phase, const Losses& losses, FmpnNetImpl& net) {
    const auto expected = theirs("losses");
    if (phase == 1) {
      EXPECT_NEAR(losses.mask.item<double>(), expected[0].item<double>(), 1e-8);
      EXPECT_FALSE(losses.classes.defined());
    } else {
      EXPECT_NEAR(losses.mask.item<double>(), expected[1].item<double>(), 1e-8);
      EXPECT_NEAR(losses.classes.item<double>(), expected[2].item<double>(), 1e-8);
    }
    double moved = 0;
    for (const auto& [key, value] : state_of(net)) {
      const double difference = (value - theirs(std::to_string(phase) + "." + key)).abs().max().item<double>();
      EXPECT_LE(difference, 1e-8) << key;
      moved = std::max(moved, (value - view_of(start_.tensors.at("net." + key))).abs().max().item<double>());
    }
    EXPECT_GT(moved, 5e-5) << "nothing was learned";
  }

  static void step(int phase) {
    const FitOptions o = options();
    FmpnNet net(o.model);
    {
      const torch::NoGradGuard no_grad;
      for (auto& [key, value] : state_of(*net)) value.copy_(view_of(start_.tensors.at("net." + key)));
    }
    net->to(torch::kFloat64);
    net->train();
    const auto optimiser = make_optimiser(o, phase, *net);
    set_learning_rates(*optimiser, o, phase, 1, 0);
    const Losses losses = losses_of(o, phase, *net, {batch_.rgb.to(torch::kFloat64), batch_.mask.to(torch::kFloat64)},
                                    torch::one_hot(labels_, kClasses).to(torch::kFloat64));
    losses.total.backward();
    optimiser->step();
    compare(phase, losses, *net);
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline test::Outcome outcome_;
  static inline SafeTensors start_, result_;
  static inline Batch batch_;
  static inline torch::Tensor labels_;
};

TEST_F(Step, OfPhaseOne) { step(1); }
TEST_F(Step, OfPhaseTwo) { step(2); }

TEST_F(Step, TheLearningRateOfEveryEpoch) {
  const FitOptions o;
  const auto compare = [&](int phase, Net net, const std::string& key, int epochs) {
    const auto expected = theirs(key);
    ASSERT_EQ(expected.size(0), epochs);
    for (int epoch = 1; epoch <= epochs; ++epoch)
      ASSERT_NEAR(learning_rate(o, phase, net, epoch, 0.5), expected[epoch - 1].item<double>(), 1e-16) << key << ", epoch " << epoch;
  };
  compare(1, Net::kFmg, "rates.1", 300);
  compare(2, Net::kCn, "rates.2", 200);
  compare(2, Net::kPfn, "rates.2", 200);
  compare(2, Net::kFmg, "rates.2.fmg", 200);
}

TEST(Optimiser, GroupsOfThePhases) {
  FitOptions o = options();
  o.weight_decay = 0.5, o.optimiser = "sgd";
  FmpnNet net(o.model);
  const auto first = make_optimiser(o, 1, *net), second = make_optimiser(o, 2, *net);
  ASSERT_EQ(first->param_groups().size(), 1U);
  ASSERT_EQ(second->param_groups().size(), 3U);
  EXPECT_EQ(first->param_groups()[0].params().size(), net->fmg->parameters().size());
  const std::vector<std::size_t> sizes{net->cn->parameters().size(), net->pfn->parameters().size(), net->fmg->parameters().size()};
  const std::vector<double> decay{0.5, 0, 0.5};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(second->param_groups()[i].params().size(), sizes[i]) << i;
    EXPECT_EQ(static_cast<const torch::optim::SGDOptions&>(second->param_groups()[i].options()).weight_decay(), decay[i]) << i;
  }
  set_learning_rates(*second, o, 2, 150, 0);
  EXPECT_DOUBLE_EQ(second->param_groups()[0].options().get_lr(), 1e-4 * 50 / 101);
  EXPECT_DOUBLE_EQ(second->param_groups()[1].options().get_lr(), 1e-4 * 50 / 101);
  EXPECT_DOUBLE_EQ(second->param_groups()[2].options().get_lr(), 1e-5 * 50 / 101);
  o.pfn_lr = 1e-6;
  set_learning_rates(*second, o, 2, 150, 0);
  EXPECT_DOUBLE_EQ(second->param_groups()[0].options().get_lr(), 1e-4 * 50 / 101);
  EXPECT_DOUBLE_EQ(second->param_groups()[1].options().get_lr(), 1e-6 * 50 / 101);
}

TEST(GroupSgd, StepsAsTorchsOwn) {
  torch::manual_seed(3);
  const auto start = {torch::randn({5, 3, 3, 3}), torch::randn({5}), torch::randn({4, 5}), torch::randn({2})};
  const auto trained = [&](auto make) {
    std::vector<torch::Tensor> weights;
    for (const auto& tensor : start) weights.push_back(tensor.clone().requires_grad_());
    std::vector<torch::optim::OptimizerParamGroup> groups;
    const auto group = [](double lr, double decay) {
      return std::make_unique<torch::optim::SGDOptions>(torch::optim::SGDOptions(lr).momentum(0.9).nesterov(true).weight_decay(decay));
    };
    groups.emplace_back(std::vector{weights[0], weights[1]}, group(0.1, 5e-4));
    groups.emplace_back(std::vector{weights[2], weights[3]}, group(0.02, 0));
    auto optimiser = make(std::move(groups));
    for (int step = 0; step < 4; ++step) {
      optimiser->zero_grad();
      // The last weight gets no gradient.
      ((weights[0] - 1).pow(2).sum() * weights[1].sum() + (weights[2] * step).pow(2).sum()).backward();
      optimiser->step();
    }
    return weights;
  };
  using Groups = std::vector<torch::optim::OptimizerParamGroup>;
  const auto ours = trained([](Groups groups) { return std::make_unique<GroupSgd>(std::move(groups), torch::optim::SGDOptions(0.1)); });
  const auto theirs = trained([](Groups groups) { return std::make_unique<torch::optim::SGD>(std::move(groups), torch::optim::SGDOptions(0.1)); });
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(torch::allclose(ours[i], theirs[i], 1e-6, 1e-7)) << i;
  EXPECT_FALSE(torch::equal(ours[2], *(start.begin() + 2)));
  EXPECT_TRUE(torch::equal(ours[3], *(start.begin() + 3)));
}

}  // namespace
}  // namespace fmpn::train
