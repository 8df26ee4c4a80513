#include "recipe.h"

#include <gtest/gtest.h>

#include "commands.h"
#include "fit_options.h"

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

struct Command {
  explicit Command(std::vector<std::string> arguments) {
    auto* fit = app.add_subcommand("fit", "");
    fit->add_option("--lr", lr);
    fit->add_option("--epochs", epochs);
    fit->add_option("--schedule", schedule)->check(CLI::IsMember({"published", "one-cycle"}));
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  }
  void apply(const std::string& recipe) { apply_recipe(*app.get_subcommand("fit"), recipe); }
  CLI::App app;
  double lr = -1;
  int epochs = -1;
  std::string schedule = "none";
};

TEST(Recipe, GivesWhatTheUserDidNot) {
  const test::TemporaryFolder folder;
  test::write_text(folder.file("r.toml"), "# a comment\n[fit]\nlr = 0.5\nepochs = 7\nschedule = \"one-cycle\"\n");
  Command command({"fit", "--epochs", "3"});
  command.apply(folder.file("r.toml"));
  EXPECT_EQ(command.lr, 0.5);
  EXPECT_EQ(command.epochs, 3);
  EXPECT_EQ(command.schedule, "one-cycle");
}

TEST(Recipe, FaultsAreNamed) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("r.toml");
  const auto refused = [&](const std::string& text, const std::string& part) {
    test::write_text(path, text);
    Command command({"fit"});
    test::expect_error(ErrorCode::kBadFormat, {path, part}, [&] { command.apply(path); });
  };
  refused("[fit]\nlearning-rate = 1\n", "learning-rate");
  refused("[predict]\nlr = 1\n", "[fit]");
  refused("lr = 1\n", "[fit]");
  refused("[fit]\nrecipe = \"default\"\n", "'recipe' in a recipe");
  refused("[fit]\nlr = 0.5\nepochs = 7\nlr = 0.25\n", "'fit.lr' stands there twice");
  refused("[fit]\nepochs = \"many\"\n", "epochs");
  refused("[fit]\nschedule = \"never\"\n", "never");
  Command command({"fit"});
  test::expect_error(ErrorCode::kNotFound, {"'unknown'", "paper", "default"}, [&] { command.apply("unknown"); });
}

struct Sides {
  explicit Sides(std::vector<std::string> arguments, const std::string& cn) {
    auto* fit = app.add_subcommand("fit", "");
    fit->add_option("--input-size", input);
    fit->add_option("--crop-size", crop);
    arguments.insert(arguments.begin(), "fit");
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
    set_paper_sizes(*fit, cn);
    written = fit->config_to_str(true);
  }
  CLI::App app;
  int input = -1, crop = -1;
  std::string written;
};

TEST(Recipe, EveryNetHasItsSideInThePapers) {
  const auto expect = [](const std::vector<std::string>& given, const std::string& cn, int input, int crop) {
    const Sides sides(given, cn);
    EXPECT_EQ(sides.input, input) << cn;
    EXPECT_EQ(sides.crop, crop) << cn;
    EXPECT_NE(sides.written.find("input-size=" + std::to_string(input)), std::string::npos) << sides.written;
    EXPECT_NE(sides.written.find("crop-size=" + std::to_string(crop)), std::string::npos) << sides.written;
  };
  expect({}, "inception_v3", 299, 320);
  for (const char* cn : {"resnet18", "resnet50", "resnet152", "densenet121", "vgg16", "vgg19_bn"}) expect({}, cn, 224, 240);
  expect({"--input-size", "96"}, "resnet18", 96, 103);
  expect({"--input-size", "96", "--crop-size", "100"}, "inception_v3", 96, 100);
  expect({"--crop-size", "256"}, "vgg16", 224, 256);
}

/// What a built-in recipe gives the options of `fit`; empty for those that it leaves alone.
std::map<std::string, std::string> values_of(const std::string& recipe) {
  CLI::App app;
  auto* fit = app.add_subcommand("fit", "");
  std::map<std::string, std::string> values;
  for (const char* name :
       {"name", "cn", "cn-width", "cn-stem", "fmg-width", "input-size", "crop-size", "mirror-average", "missing-mask", "initialisation",
        "augmentation", "schedule", "input-schedule", "phase1-epochs", "phase1-constant", "phase1-batch", "phase1-lr", "epochs", "constant",
        "batch", "optimiser", "lr", "pfn-lr", "fmg-lr", "lambda-mask", "lambda-class", "weight-decay", "label-smoothing",
        "teacher-share", "mixup", "ema", "precision", "seed"})
    fit->add_option(std::string("--") + name, values[name]);
  app.parse(std::vector<std::string>{"fit"});
  apply_recipe(*fit, recipe);
  return values;
}

// They start from a model that the default recipe made: the networks have to be the same.
TEST(Recipe, WhatGoesOnFromTheDefaultHasItsNetworks) {
  auto first = values_of("default");
  for (const char* recipe : {"second-cycle", "third-cycle", "fourth-cycle", "fifth-cycle", "fine-tune"}) {
    auto values = values_of(recipe);
    for (const char* name : {"cn", "cn-width", "cn-stem", "fmg-width", "input-size", "crop-size", "mirror-average"}) {
      EXPECT_NE(values[name], "") << recipe << ", " << name;
      EXPECT_EQ(values[name], first[name]) << recipe << ", " << name;
    }
  }
}

TEST(Recipe, LargeHasThePapersNetworks) {
  auto paper = values_of("paper"), large = values_of("large");
  for (const char* name : {"cn", "cn-width", "cn-stem", "fmg-width", "input-size", "crop-size", "initialisation", "optimiser", "lr", "fmg-lr",
                           "lambda-mask", "lambda-class", "phase1-batch", "phase1-lr", "batch"})
    EXPECT_EQ(large[name], paper[name]) << name;
}

// The paper's recipe is the default, and says what the options' own defaults are.
TEST(Recipe, ThePapersValues) {
  ASSERT_EQ(built_in_recipes().count("paper"), 1U);
  const FitOptions o;
  EXPECT_EQ(o.recipe, "paper");
  auto values = values_of("paper");
  EXPECT_EQ(values["cn"], o.model.cn);
  EXPECT_EQ(std::stoi(values["cn-width"]), o.model.cn_width);
  EXPECT_EQ(values["cn-stem"], o.model.cn_stem);
  EXPECT_EQ(std::stoi(values["fmg-width"]), o.model.fmg_width);
  EXPECT_EQ(std::stoi(values["input-size"]), o.model.input_size);
  EXPECT_EQ(std::stoi(values["crop-size"]), o.model.crop_size);
  EXPECT_EQ(values["initialisation"], o.initialisation);
  EXPECT_EQ(values["augmentation"], o.augmentation);
  EXPECT_EQ(values["schedule"], o.schedule);
  EXPECT_EQ(std::stoi(values["phase1-epochs"]), o.phase1_epochs);
  EXPECT_EQ(std::stoi(values["phase1-constant"]), o.phase1_constant);
  EXPECT_EQ(std::stoi(values["phase1-batch"]), o.phase1_batch);
  EXPECT_EQ(std::stod(values["phase1-lr"]), o.phase1_lr);
  EXPECT_EQ(std::stoi(values["epochs"]), o.phase2_epochs);
  EXPECT_EQ(std::stoi(values["constant"]), o.phase2_constant);
  EXPECT_EQ(std::stoi(values["batch"]), o.phase2_batch);
  EXPECT_EQ(values["optimiser"], o.optimiser);
  EXPECT_EQ(std::stod(values["lr"]), o.lr);
  EXPECT_EQ(std::stod(values["fmg-lr"]), o.fmg_lr);
  EXPECT_EQ(std::stod(values["lambda-mask"]), o.lambda_mask);
  EXPECT_EQ(std::stod(values["lambda-class"]), o.lambda_class);
  for (const char* name : {"weight-decay", "label-smoothing", "mixup", "ema"}) EXPECT_EQ(std::stod(values[name]), 0) << name;
  EXPECT_EQ(values["precision"], o.precision);
  EXPECT_EQ(o.phase1_epochs, 300);
  EXPECT_EQ(o.phase2_epochs, 200);
  EXPECT_EQ(o.phase1_batch, 32);
  EXPECT_EQ(o.phase2_batch, 16);
  EXPECT_EQ(o.lambda_mask, 0.1);
}

}  // namespace
}  // namespace fmpn::train
