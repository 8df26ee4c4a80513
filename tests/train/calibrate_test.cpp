// fmpn-train calibrate: another temperature and threshold, the same weights.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include <fmpn/engine.h>

#include "calibration.h"
#include "manifest.h"
#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

constexpr int kTrain = 20, kShared = 20, kPictures = 140;

class Calibrate : public TrainProgram {
 protected:
  /// Crops of noise, the first 20 of train, the rest of valid. Labels are drawn from the model's own distribution at another
  /// temperature, but for the first of valid, which stand in train too: there they are what the model names.
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    fs::create_directories(file("data"));
    EngineOptions options;
    options.precision = Precision::kFp32;
    options.threads = 1;  // tests run several at a time
    const auto engine = Engine::load(model_, options);
    info_ = engine->info();
    std::mt19937 generator(4);
    for (int i = 0; i < kPictures; ++i) {
      const bool shared = i >= kTrain && i < kTrain + kShared;
      const Image crop = noise(52, static_cast<unsigned>(shared ? i - kTrain : i));
      const Expression said = engine->classify({crop.view()}).front();
      std::vector<double> weights;
      for (const float z : said.logits) weights.push_back(std::exp(z * 2));
      std::discrete_distribution<std::size_t> drawn(weights.begin(), weights.end());
      const auto label = shared ? static_cast<std::size_t>(said.label_id) : drawn(generator);
      if (i >= kTrain) all_.add(said.logits, label);
      if (i >= kTrain + kShared) unseen_.add(said.logits, label);
      const std::string name = std::to_string(i) + ".png";
      write_image(file("data/" + name), crop.view());
      rows_.push_back({name, "", info_.classes[label], "", "", "", "", i < kTrain ? "train" : "valid", "", i % 10 != 0});
    }
    write_manifest(file("data"), rows_);
  }
  test::Outcome calibrated(const std::string& model, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"calibrate", model, file("data"), "--split", "valid", "--answered-accuracy", "0.55"};
    arguments.insert(arguments.end(), {"--precision", "fp32", "--threads", "1"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return train(arguments);
  }
  ModelInfo expected(const LabelledLogits& data) const {
    ModelInfo info = info_;
    calibrate(info, data, 0.55);
    return info;
  }

  ModelInfo info_;
  LabelledLogits all_, unseen_;  ///< of valid
  std::vector<ManifestRow> rows_;
};

TEST_F(Calibrate, FitsToThePicturesThatWereNotTrainedOn) {
  const ModelInfo right = expected(unseen_), wrong = expected(all_);
  ASSERT_GT(right.temperature, 0.3) << "not at the search's end";
  ASSERT_LT(right.temperature, 1);
  ASSERT_GT(right.min_confidence, 0.1);
  ASSERT_LT(right.min_confidence, 0.9);
  ASSERT_GT(std::abs(right.temperature - wrong.temperature), 0.02) << "the test can't tell";

  auto before = read_safetensors(model_);
  before.metadata["of somebody else"] = "kept";
  write_safetensors(file("old.safetensors"), before);
  const auto outcome = calibrated(file("old.safetensors"), {"--without-duplicates-of", "train", "-o", file("new.safetensors")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out,
                       "100 images, 10 without a found face\nleft out: 20 that stand in 'train' too\nbefore: temperature 1.000"))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\nafter:  " + calibration_text(calibration_figures(right, unseen_)))) << outcome.out;
  const ModelInfo given = read_model_info(file("new.safetensors"));
  EXPECT_NEAR(given.temperature, right.temperature, 1e-3);
  EXPECT_EQ(given.min_confidence, right.min_confidence);
  EXPECT_EQ(given.provenance.at("calibration_images"), "100");
  EXPECT_EQ(given.provenance.at("calibration_data"), "data, split valid");

  auto after = read_safetensors(file("new.safetensors"));
  ASSERT_EQ(before.tensors.size(), after.tensors.size());
  for (const auto& [name, tensor] : before.tensors) EXPECT_EQ(tensor.bytes, after.tensors.at(name).bytes) << name;
  for (const char* key : {"temperature", "min_confidence", "provenance.calibration_images", "provenance.calibration_data"})
    before.metadata.erase(key), after.metadata.erase(key);
  EXPECT_EQ(before.metadata, after.metadata);
}

TEST_F(Calibrate, SaysTheSameToScripts) {
  const auto outcome = calibrated(model_, {"--without-duplicates-of", "train", "-o", file("new.safetensors"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto said = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(said.at("model"), info_.name);
  EXPECT_EQ(said.at("precision"), "fp32");
  EXPECT_EQ(said.at("images"), 100);
  EXPECT_EQ(said.at("unaligned"), 10);
  EXPECT_EQ(said.at("duplicates_left_out"), 20);
  EXPECT_EQ(said.at("output"), file("new.safetensors"));
  const auto agrees = [&](const nlohmann::json& part, const ModelInfo& info) {
    const CalibrationFigures figures = calibration_figures(info, unseen_);
    EXPECT_NEAR(part.at("temperature").get<double>(), figures.temperature, 1e-3);
    EXPECT_EQ(part.at("min_confidence"), figures.min_confidence);
    EXPECT_NEAR(part.at("coverage").get<double>(), figures.coverage, 1e-9);
    EXPECT_NEAR(part.at("answered_accuracy").get<double>(), figures.answered_accuracy, 1e-9);
    EXPECT_NEAR(part.at("calibration_error").get<double>(), figures.calibration_error, 2e-3);
  };
  agrees(said.at("before"), info_);
  agrees(said.at("after"), expected(unseen_));
  EXPECT_NEAR(read_model_info(file("new.safetensors")).temperature, said.at("after").at("temperature").get<double>(), 1e-6);
}

TEST_F(Calibrate, APathOfAnyBytesCanBeTold) {
  const std::string odd = file("od\xff.safetensors");
  const auto outcome = calibrated(model_, {"-o", odd, "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(odd));
  const auto said = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(said.at("output"), file("od\xEF\xBF\xBD.safetensors")) << "U+FFFD in place of what is no UTF-8";
  EXPECT_FALSE(said.contains("duplicates_left_out"));
  EXPECT_FALSE(said.contains("corruptions"));
}

TEST_F(Calibrate, AFileCanBeReplaced) {
  fs::copy_file(model_, file("mine.safetensors"));
  const auto outcome = calibrated(file("mine.safetensors"), {"-o", file("mine.safetensors")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NEAR(read_model_info(file("mine.safetensors")).temperature, expected(all_).temperature, 1e-3);
  EXPECT_NEAR(Engine::load(file("mine.safetensors"))->info().temperature, expected(all_).temperature, 1e-3);
  EXPECT_FALSE(fs::exists(file("mine.safetensors.partial")));
}

TEST_F(Calibrate, WhatCannotBeFittedIsNotWritten) {
  const std::string out = file("new.safetensors");
  const auto refused = [&](const std::string& part) {
    const auto outcome = calibrated(model_, {"-o", out});
    EXPECT_NE(outcome.status, 0) << part;
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
    EXPECT_FALSE(fs::exists(out));
  };
  for (std::size_t i = kTrain; i < rows_.size(); ++i) {  // the second best is right: never the one that is named
    auto logits = all_.logits[i - kTrain];
    *std::max_element(logits.begin(), logits.end()) = -100;
    rows_[i].label = info_.classes[static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())];
  }
  write_manifest(file("data"), rows_);
  refused(file("data") + ": there is no confidence from which 55 % of the answers are right (120 pictures)");
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].label = info_.classes[0];  // the least probable
  write_manifest(file("data"), rows_);
  refused(file("data") + ": no temperature between 0.2 and 5 fits");
}

TEST_F(Calibrate, Faults) {
  const std::string out = file("new.safetensors");
  const auto refused = [&](std::vector<std::string> arguments, const std::string& part) {
    arguments.insert(arguments.begin(), "calibrate");
    const auto outcome = train(arguments);
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
    EXPECT_FALSE(fs::exists(out));
  };
  refused({model_, file("data")}, "--output is required");
  refused({model_, file("data"), "-o", out, "--split", "test"}, "'test'");
  for (const char* share : {"80", "0", "nan", "half"})
    refused({model_, file("data"), "-o", out, "--answered-accuracy", share}, "is not a share");
  refused({model_, file("nothing"), "-o", out}, file("nothing"));
  refused({model_, file("data"), "-o", file("no/folder.safetensors")}, "there is no folder " + file("no"));
  refused({model_, file("data"), "-o", file("data")}, "is a folder");
  refused({model_, file("data"), "-o", out, "--fold", "0"}, "--fold");  // a fold is a test set
}

}  // namespace
}  // namespace fmpn::train
