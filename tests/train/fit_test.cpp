// fmpn-train fit: a run that is stopped and resumed is the run that was never stopped.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <regex>
#include <sstream>
#include <thread>

#include <fmpn/engine.h>

#include "csv.h"
#include "environment.h"
#include "manifest.h"
#include "run_folder.h"
#include "runtime/engines.h"
#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Fit : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    // Bright above is happiness, bright below is sadness: flips and crops keep that.
    fs::create_directories(file("data"));
    fs::create_directories(file("masks"));
    std::vector<ManifestRow> rows;
    for (int i = 0; i < 80; ++i) {
      const bool happy = i % 2 == 0;
      Image crop = noise(20, static_cast<unsigned>(i));
      for (std::size_t k = 0; k < crop.pixels.size(); ++k) {
        const bool upper = k < crop.pixels.size() / 2;
        crop.pixels[k] = static_cast<std::uint8_t>(crop.pixels[k] / 2 + (upper == happy ? 120 : 0));
      }
      const std::string name = std::to_string(i) + ".png";
      write_image(file("data/" + name), crop.view());
      rows.push_back({name, "", happy ? "happiness" : "sadness", "", "", "", "", i < 60 ? "train" : "valid", "", true});
    }
    write_manifest(file("data"), rows);
    for (const char* name : {"happiness", "sadness"}) write_image(file(std::string("masks/") + name + ".png"), noise(10, 99).view());
  }

  std::vector<std::string> fit(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"fit", file("data"), "-o", file(run), "--masks", file("masks"), "--name", "toy",
                                       "--cn", "resnet18", "--cn-width", "4", "--cn-stem", "small", "--fmg-width", "2",
                                       "--input-size", "16", "--crop-size", "20", "--phase1-epochs", "3",
                                       "--phase1-batch", "4", "--epochs", "5", "--batch", "4", "--seed", "7",
                                       "--threads", "1", "--initialisation", "scratch"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  /// Starts or goes on, and stops it by a signal as soon as `reached` holds.
  static void interrupted(const std::vector<std::string>& arguments, const std::function<bool()>& reached, int signal = SIGTERM) {
    test::Program program(command(arguments));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (program.running() && !reached() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    program.send(signal);
    const auto outcome = program.wait();
    ASSERT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--resume")) << outcome.err;
  }

  /// metrics.csv without the two columns before its last, which depend on the clock.
  std::vector<std::string> metrics(const std::string& run) const {
    std::stringstream text(test::read_text(file(run + "/metrics.csv")));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
      const std::size_t last = line.rfind(','), first = line.rfind(',', line.rfind(',', last - 1) - 1);
      lines.push_back(line.erase(first, last - first));
    }
    return lines;
  }

  /// A figure of the last model on the split valid.
  double evaluated(const std::string& run, const std::vector<std::string>& more, const std::string& figure = "accuracy") const {
    std::vector<std::string> arguments{"evaluate", file(run + "/last.safetensors"), file("data"), "--split", "valid", "--precision", "fp32", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = train(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out)[figure].get<double>();
  }

  void expect_same_models(const std::string& a, const std::string& b) const {
    for (const char* name : {"/last.safetensors", "/best.safetensors"}) {
      const SafeTensors one = read_safetensors(file(a + name)), other = read_safetensors(file(b + name));
      ASSERT_EQ(one.tensors.size(), other.tensors.size());
      for (const auto& [key, tensor] : one.tensors) EXPECT_EQ(tensor.bytes, other.tensors.at(key).bytes) << name << ' ' << key;
      EXPECT_EQ(one.metadata, other.metadata) << name;
    }
    EXPECT_EQ(metrics(a), metrics(b));
  }

  void resumes_exactly(const std::vector<std::string>& options) {
    const auto whole = train(fit("whole", options));
    ASSERT_EQ(whole.status, 0) << whole.err;
    auto resume = options;
    resume.push_back("--resume");
    interrupted(fit("parts", options), [&] { return fs::exists(file("parts/checkpoint.pt")); }, SIGINT);
    if (HasFatalFailure()) return;
    EXPECT_FALSE(fs::exists(file("parts/last.safetensors"))) << "it was not stopped in the middle";
    interrupted(fit("parts", resume), [&] { return contains(test::read_text(file("parts/metrics.csv")), "\n2,2,"); });
    if (HasFatalFailure()) return;
    const auto rest = train(fit("parts", resume));
    ASSERT_EQ(rest.status, 0) << rest.err;
    EXPECT_EQ(metrics("whole").size(), 1U + 3 + 5);
    expect_same_models("whole", "parts");
  }
};

TEST_F(Fit, ResumedInBothPhasesItEndsWithTheSameBits) { resumes_exactly({"--phase1-constant", "1", "--constant", "2"}); }

TEST_F(Fit, AsManyThreadsGoOnAsBegan) {
  // All cores: how many those are may change between two sittings.
  const std::vector<std::string> options{"--threads", "0", "--phase1-epochs", "1"};
  auto resume = options;
  resume.emplace_back("--resume");
  test::Environment environment;
  environment.set("OMP_NUM_THREADS", "1");
  ASSERT_EQ(train(fit("whole", options)).status, 0);
  interrupted(fit("parts", options), [&] { return fs::exists(file("parts/checkpoint.pt")); });
  if (HasFatalFailure()) return;
  environment.set("OMP_NUM_THREADS", "2");
  const auto rest = train(fit("parts", resume));
  ASSERT_EQ(rest.status, 0) << rest.err;
  expect_same_models("whole", "parts");
}

TEST_F(Fit, SoItDoesWithEveryOtherSourceOfChanceAndState) {
  resumes_exactly({"--augmentation", "robust", "--optimiser", "sgd", "--schedule", "one-cycle", "--lr", "0.05", "--mixup", "0.2", "--ema",
                   "0.9", "--label-smoothing", "0.1", "--weight-decay", "5e-4"});
}

TEST_F(Fit, KilledAtAnyEpochItEndsWithTheSameBits) {
  const std::vector<std::string> brief{"--phase1-epochs", "2", "--epochs", "3"};
  ASSERT_EQ(train(fit("whole", brief)).status, 0);
  auto resume = brief;
  resume.push_back("--resume");
  // As soon as a line more stands in metrics.csv: often between the line and its checkpoint.
  for (std::size_t lines = 2; lines <= 5; ++lines) {
    const bool begun = fs::exists(file("parts/checkpoint.pt"));
    test::Program program(command(fit("parts", begun ? resume : brief)));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (program.running() && std::chrono::steady_clock::now() < deadline &&
           (!fs::exists(file("parts/metrics.csv")) || metrics("parts").size() < lines))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    program.send(SIGKILL);
    EXPECT_EQ(program.wait().status, 128 + SIGKILL) << "line " << lines;
  }
  const auto rest = train(fit("parts", fs::exists(file("parts/checkpoint.pt")) ? resume : brief));
  ASSERT_EQ(rest.status, 0) << rest.err;
  expect_same_models("whole", "parts");
}

// A limit on the size of files stands in for a full disk.
TEST_F(Fit, WithoutRoomTheLastGoodCheckpointStaysWhole) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "3"};
  ASSERT_EQ(train(fit("whole", brief)).status, 0);
  interrupted(fit("parts", brief), [&] { return fs::exists(file("parts/checkpoint.pt")); });
  const std::string checkpoint = test::read_text(file("parts/checkpoint.pt"));
  ASSERT_GT(checkpoint.size(), 200U * 1024);
  auto resume = brief;
  resume.push_back("--resume");
  std::vector<std::string> limited{"/bin/bash", "-c", "ulimit -f 400; trap '' XFSZ; exec \"$@\"", "limited"};
  for (const std::string& word : command(fit("parts", resume))) limited.push_back(word);
  const auto outcome = test::run_program(limited);
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, file("parts/checkpoint.pt"))) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "too large")) << outcome.err;
  EXPECT_EQ(test::read_text(file("parts/checkpoint.pt")), checkpoint);
  EXPECT_FALSE(fs::exists(file("parts/checkpoint.pt.partial")));
  const auto rest = train(fit("parts", resume));
  ASSERT_EQ(rest.status, 0) << rest.err;
  expect_same_models("whole", "parts");
}

TEST_F(Fit, TheRunFolderTellsWhatHappened) {
  write_image(file("masks/sadness.png"), noise(10, 98).view());  // another than happiness
  const auto outcome = train(fit("run", {"--phase1-epochs", "2", "--epochs", "2"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string config = test::read_text(file("run/config.toml"));
  for (const char* part : {"[fit]", "seed=7", "lambda-mask=0.1"}) EXPECT_TRUE(contains(config, part)) << part << " is not in " << config;
  for (const char* name : {"curves.png", "confusion.png", "samples.png", "samples-phase1.png"})
    EXPECT_GT(read_image(file(std::string("run/") + name)).width, 400) << name;
  EXPECT_TRUE(contains(test::read_text(file("run/report.html")), "data:image/png;base64,"));
  const auto result = nlohmann::json::parse(test::read_text(file("run/result.json")));
  EXPECT_EQ(result["images"], 20);
  EXPECT_EQ(result["held_out"], "split valid");
  EXPECT_EQ(result["mean_mask_accuracy"], evaluated("run", {"--replace-masks", "mean"}));
  EXPECT_EQ(result["accuracy"], evaluated("run", {}));
  EXPECT_NEAR(result["mask_r2"].get<double>(), evaluated("run", {"--masks", file("masks")}, "mask_r2"), 1e-4);
  EXPECT_NEAR(result["macro_f1"].get<double>(), evaluated("run", {}, "macro_f1"), 1e-12);
  EXPECT_EQ(result["calibrated_on_these_pictures"], Engine::load(file("run/last.safetensors"))->info().temperature != 1);
  // Every held-out picture's answer, as `evaluate` gives it.
  evaluated("run", {"--predictions", file("p.csv")});
  const CsvTable ours(file("run/predictions.csv"), {"path", "named"}), theirs(file("p.csv"), {"path", "named"});
  ASSERT_EQ(ours.size(), 20U);
  ASSERT_EQ(theirs.size(), 20U);
  EXPECT_EQ(ours.columns(), theirs.columns());
  for (std::size_t i = 0; i < 20; ++i) {
    for (const char* column : {"path", "label", "named", "answered"}) EXPECT_EQ(ours.get(i, column), theirs.get(i, column)) << column;
    EXPECT_NEAR(std::stod(ours.get(i, "p_sadness")), std::stod(theirs.get(i, "p_sadness")), 1e-3);
  }
  const auto last = read_model_info(file("run/last.safetensors")).provenance, best = read_model_info(file("run/best.safetensors")).provenance;
  EXPECT_EQ(last.at("protocol"), "last epoch of 2, seed 7, ablation none");
  EXPECT_EQ(last.at("data"), "data, split train");
  EXPECT_TRUE(std::regex_match(best.at("protocol"), std::regex("epoch [12] of 2, the best on split valid, seed 7, ablation none")))
      << best.at("protocol");
  for (const char* part : {"with the mean mask for all", "R² of the masks", "macro F1"})
    EXPECT_TRUE(contains(test::read_text(file("run/report.html")), part)) << part;
  const auto epochs = read_metrics(file("run/metrics.csv"));
  ASSERT_EQ(epochs.size(), 4U);
  for (const EpochMetrics& epoch : epochs) EXPECT_TRUE(epoch.mask_r2) << "phase " << epoch.phase;
  EXPECT_NEAR(result["mask_r2"].get<double>(), epochs.back().mask_r2.value(), 0.01) << "the file's weights are rounded to half";
  // FMG alone: the report leads with what it is for.
  ASSERT_EQ(train(fit("fmg", {"--phase", "1", "--phase1-epochs", "2"})).status, 0);
  EXPECT_TRUE(contains(test::read_text(file("fmg/report.html")), "R² of the masks</"));
  EXPECT_FALSE(fs::exists(file("fmg/result.json")));
  // The configuration alone makes the same run again.
  const auto again = train({"fit", file("data"), "-o", file("again"), "--config", file("run/config.toml")});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(metrics("again"), metrics("run"));
}

TEST_F(Fit, NumbersTooLargeForHalfPrecisionStayWhole) {
  SafeTensors content = read_safetensors(model_);
  StoredTensor& variance = content.tensors.at("cls.bn1.running_var");
  const std::vector<float> large(static_cast<std::size_t>(variance.shape.at(0)), 1e6F);
  variance.dtype = "F32";
  variance.bytes.resize(large.size() * sizeof(float));
  std::memcpy(variance.bytes.data(), large.data(), variance.bytes.size());
  write_safetensors(file("large.safetensors"), content);
  const auto outcome = train(fit("run", {"--phase1-epochs", "0", "--epochs", "1", "--lr", "0", "--cn-weights", file("large.safetensors")}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(read_safetensors(file("run/last.safetensors")).tensors.at("cls.bn1.running_var").dtype, "F32");
  EXPECT_NO_THROW(Engine::load(file("run/last.safetensors")));
}

TEST_F(Fit, TheSameSeedIsTheSameRunAndAnotherIsNot) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1"};
  ASSERT_EQ(train(fit("a", brief)).status, 0);
  ASSERT_EQ(train(fit("b", brief)).status, 0);
  expect_same_models("a", "b");
  auto other = fit("c", brief);
  *(std::find(other.begin(), other.end(), "--seed") + 1) = "8";
  ASSERT_EQ(train(other).status, 0);
  EXPECT_NE(read_safetensors(file("a/last.safetensors")).tensors.at("cls.fc.weight").bytes,
            read_safetensors(file("c/last.safetensors")).tensors.at("cls.fc.weight").bytes);
}

TEST_F(Fit, LearnsWhatCanBeLearned) {
  const auto outcome = train(fit("run", {"--epochs", "8", "--lr", "2e-3", "--constant", "8"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto engine = Engine::load(file("run/last.safetensors"));
  const auto& provenance = engine->info().provenance;
  EXPECT_EQ(provenance.count("bf16_agreement"), cpu_has_bfloat16() ? 1U : 0U);
  if (cpu_has_bfloat16()) {
    EXPECT_GE(std::stod(provenance.at("bf16_agreement")), 0.5);
    EXPECT_EQ(std::stod(provenance.at("bf16_mask_difference")), 0) << "a narrow FMG stays in single precision";
  }
  EXPECT_EQ(engine->info().classes, (std::vector<std::string>{"happiness", "sadness"}));
  EXPECT_EQ(engine->info().name, "toy");
  EXPECT_EQ(engine->info().color, "rgb");
  EXPECT_GE(std::stod(engine->info().provenance.at("valid_accuracy")), 0.9);
  const auto evaluated = train({"evaluate", file("run/last.safetensors"), file("data"), "--split", "valid", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_NEAR(nlohmann::json::parse(evaluated.out)["accuracy"].get<double>(), std::stod(engine->info().provenance.at("valid_accuracy")),
              0.051);
}

TEST_F(Fit, Ablations) {
  ASSERT_EQ(train(fit("baseline", {"--ablation", "baseline", "--epochs", "1"})).status, 0);
  EXPECT_FALSE(read_model_info(file("baseline/last.safetensors")).uses_masks);
  const auto compared = train({"evaluate", file("baseline/last.safetensors"), file("data"), "--masks", file("masks")});
  EXPECT_EQ(compared.status, 1);
  EXPECT_TRUE(contains(compared.err, "has no masks")) << compared.err;
  ASSERT_EQ(train(fit("no-mask", {"--ablation", "no-mask", "--epochs", "1"})).status, 0);
  EXPECT_TRUE(read_model_info(file("no-mask/last.safetensors")).uses_masks);
  EXPECT_FALSE(contains(test::read_text(file("baseline/result.json")), "mean_mask"));
  for (const char* run : {"baseline", "no-mask"}) {
    const auto lines = metrics(run);
    ASSERT_EQ(lines.size(), 2U) << run << " has no phase 1";
    EXPECT_EQ(lines[1].substr(0, 6), "2,1,0,") << run << ": " << lines[1];
  }
}

TEST_F(Fit, ReadFromDiskItIsTheRunFromMemory) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "2", "--augmentation", "robust", "--mixup", "0.2"};
  ASSERT_EQ(train(fit("memory", brief)).status, 0);
  auto streamed = brief;
  streamed.insert(streamed.end(), {"--cache-mb", "0"});
  ASSERT_EQ(train(fit("disk", streamed)).status, 0);
  expect_same_models("memory", "disk");
}

TEST_F(Fit, DuplicatesOfWhatIsHeldOutAreLeftOutWhereAskedFor) {
  fs::copy_file(file("data/70.png"), file("data/8.png"), fs::copy_options::overwrite_existing);
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows)  // three that cannot be right, so that there is a temperature to find
    if (row.path == "61.png" || row.path == "63.png" || row.path == "65.png") row.label = "happiness";
  write_manifest(file("data"), rows);
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "8", "--lr", "2e-3", "--constant", "8"};
  const auto all = train(fit("all", brief));
  ASSERT_EQ(all.status, 0) << all.err;
  EXPECT_FALSE(contains(all.out, "left out"));
  auto options = brief;
  options.insert(options.end(), {"--leave-out-duplicates", "true"});
  const auto outcome = train(fit("rest", options));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "left out of training, since they stand in split valid too: 1")) << outcome.out;
  // Left out or not: what this model starts from may have seen them.
  for (const auto& text : {all.out, outcome.out})
    EXPECT_TRUE(contains(text, "held-out pictures that stand among those to train on too, not to be calibrated on: 1\n")) << text;
  const auto calibrated_on = [&](const char* run) {
    return std::stoi(read_model_info(file(run) + "/last.safetensors").provenance.at("calibration_images"));
  };
  EXPECT_EQ(calibrated_on("all"), calibrated_on("rest"));
  EXPECT_EQ(calibrated_on("all"), static_cast<int>(select_rows(rows, {"valid"}).size()) - 1);
  EXPECT_EQ(read_model_info(file("all/last.safetensors")).provenance.at("train_images"), "60");
  EXPECT_EQ(read_model_info(file("rest/last.safetensors")).provenance.at("train_images"), "59");
  EXPECT_EQ(read_model_info(file("rest/last.safetensors")).provenance.count("duplicates"), 1U);
  for (int i = 0; i < 60; ++i)  // no happiness is left to train on
    if (i % 2 == 0) fs::copy_file(file("data/70.png"), file("data/" + std::to_string(i) + ".png"), fs::copy_options::overwrite_existing);
  const auto emptied = train(fit("empty", options));
  EXPECT_EQ(emptied.status, 1);
  EXPECT_TRUE(contains(emptied.err, "no picture of the class 'happiness' to train on; --leave-out-duplicates")) << emptied.err;
}

TEST_F(Fit, ItIsNotCalibratedOnWhatItWasTrainedOn) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "1", "--epochs", "1", "--valid-split", "train"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "not calibrated: every held-out picture is trained on too\n"
                                    "temperature 1.000, min-confidence 0.00: answers 100.0 %"))
      << outcome.out;
  const ModelInfo info = read_model_info(file("run/last.safetensors"));
  EXPECT_EQ(info.temperature, 1);
  EXPECT_EQ(info.min_confidence, 0);
  EXPECT_EQ(info.provenance.count("calibration_images"), 0U);
}

TEST_F(Fit, DevicesThatAreNotThereAreNamed) {
  for (const char* device : {"gpu", "cuda:99"}) {
    const auto outcome = train(fit("run", {"--device", device}));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(contains(outcome.err, device)) << outcome.err;
    EXPECT_FALSE(fs::exists(file("run")));
  }
}

TEST_F(Fit, TheClassificationNetStartsFromGivenWeights) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "0", "--epochs", "1", "--lr", "0", "--fmg-lr", "0", "--cn-weights", model_}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, model_ + ":\n  taken: 100 tensors")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "final layer, drawn anew (2)")) << outcome.out;
  const auto given = read_safetensors(model_), kept = read_safetensors(file("run/best.safetensors"));
  EXPECT_EQ(kept.tensors.at("cls.layer4.1.conv2.weight").bytes, given.tensors.at("cls.layer4.1.conv2.weight").bytes);
  EXPECT_EQ(train(fit("other", {"--cn-weights", file("data/0.png")})).status, 1);
}

TEST_F(Fit, FmgStartsFromAPhaseOfItsOwn) {
  ASSERT_EQ(train(fit("fmg", {"--phase", "1", "--phase1-epochs", "2"})).status, 0);
  const std::string fmg = file("fmg/last.safetensors");
  const auto outcome =
      train(fit("run", {"--phase", "2", "--epochs", "1", "--lr", "0", "--fmg-lr", "0", "--cn-weights", model_, "--fmg-weights", fmg}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto weights = [](const std::string& path, const char* name) { return read_safetensors(path).tensors.at(name).bytes; };
  EXPECT_EQ(weights(file("run/last.safetensors"), "resface.res_top.0.weight"), weights(fmg, "resface.res_top.0.weight"));
  EXPECT_EQ(weights(file("run/best.safetensors"), "cls.layer4.1.conv2.weight"), weights(model_, "cls.layer4.1.conv2.weight"));
  const auto phase1 = read_model_info(file("fmg/last.safetensors")).provenance;
  const auto both = read_model_info(file("run/last.safetensors")).provenance;
  EXPECT_TRUE(contains(phase1.at("protocol"), "phase 1 alone (PFN and CN are not trained), last epoch of 2")) << phase1.at("protocol");
  EXPECT_TRUE(contains(both.at("start"), "CN: ") && contains(both.at("start"), "FMG: fmg/last.safetensors")) << both.at("start");
  // What one way sets, the others pass over: a recipe serves all three.
  EXPECT_EQ(train(fit("baseline", {"--ablation", "baseline", "--epochs", "1", "--fmg-weights", "none"})).status, 0);
}

// What phase 1 was judged by is the averaged FMG: phase 2 goes on from that, in one run as in two.
TEST_F(Fit, PhaseTwoGoesOnFromTheAveragedGenerator) {
  const std::vector<std::string> averaged{"--phase1-epochs", "2", "--ema", "0.9", "--epochs", "1", "--lr", "0", "--fmg-lr", "0"};
  auto alone = averaged;
  alone.insert(alone.end(), {"--phase", "1"});
  ASSERT_EQ(train(fit("alone", alone)).status, 0);
  ASSERT_EQ(train(fit("both", averaged)).status, 0);
  const auto weights = [&](const char* run) {
    return read_safetensors(file(std::string(run) + "/last.safetensors")).tensors.at("resface.res_top.0.weight").bytes;
  };
  EXPECT_EQ(weights("both"), weights("alone"));
}

TEST_F(Fit, CheckSaysWhatIsWrongAndTrainsNothing) {
  const auto good = train(fit("run", {"--check"}));
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_TRUE(contains(good.out, "60 pictures to train on, 20 held out; nothing wrong was found")) << good.out;
  EXPECT_TRUE(contains(good.out, "seed=7")) << good.out;
  EXPECT_FALSE(fs::exists(file("run")));
  const auto cn = train(fit("run", {"--check", "--cn-weights", file("none.safetensors")}));
  EXPECT_EQ(cn.status, 1);
  EXPECT_TRUE(contains(cn.err, "none.safetensors")) << cn.err;
  EXPECT_EQ(train(fit("run", {"--check", "--teacher", file("none.safetensors"), "--teacher-share", "0.5"})).status, 1);
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows)
    if (row.label == "sadness") row.split = "valid";
  write_manifest(file("data"), rows);
  EXPECT_TRUE(contains(train(fit("run", {"--check"})).err, "no picture of the class 'sadness' to train on"));
}

TEST_F(Fit, ARunGoesOnWithItsOwnDataOrNotAtAll) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1"};
  auto resume = brief;
  resume.emplace_back("--resume");
  ASSERT_EQ(train(fit("run", brief)).status, 0);
  const auto refused = [&](const std::vector<std::string>& parts) {
    const auto outcome = train(fit("run", resume));
    EXPECT_EQ(outcome.status, 1);
    for (const auto& part : parts) EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "frame #")) << "no stack: " << outcome.err;
  };
  const auto rows = read_manifest(file("data"));
  auto other = rows;
  other.erase(other.begin());
  write_manifest(file("data"), other);
  refused({"other data: the pictures to train on: 59 named ", " (the run: 60 named "});
  other = rows;
  other.back().label = "happiness";
  write_manifest(file("data"), other);
  refused({"the pictures held out: 20 named "});
  other.back().label = "fear";
  write_manifest(file("data"), other);
  fs::copy_file(file("masks/sadness.png"), file("masks/fear.png"));
  refused({"the classes: fear happiness sadness (the run: happiness sadness)"});
  write_manifest(file("data"), rows);
  const std::string mask = test::read_text(file("masks/sadness.png"));
  write_image(file("masks/sadness.png"), noise(10, 7).view());
  refused({"the masks: "});
  test::write_text(file("masks/sadness.png"), mask);
  const std::string picture = file("data/" + rows.front().path), before = test::read_text(picture);
  Image changed = read_image(picture);
  changed.pixels[0] ^= 1;
  write_image(picture, changed.view());
  refused({"other data: the pixels to train on: "});
  test::write_text(picture, before);
  EXPECT_EQ(train(fit("run", resume)).status, 0);
}

// Another machine, another disk: what the run is trained on decides, not where it lies.
TEST_F(Fit, ARunGoesOnWhereItsDataHasMoved) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1"};
  ASSERT_EQ(train(fit("run", brief)).status, 0);
  fs::remove(file("run/last.safetensors"));
  fs::create_directory(file("elsewhere"));
  fs::rename(file("data"), file("elsewhere/faces")), fs::rename(file("masks"), file("elsewhere/motion"));
  auto resume = fit("run", {"--phase1-epochs", "1", "--epochs", "1", "--resume", "--cache-mb", "0"});
  *std::find(resume.begin(), resume.end(), file("data")) = file("elsewhere/faces");
  *std::find(resume.begin(), resume.end(), file("masks")) = file("elsewhere/motion");
  const auto outcome = train(resume);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(file("run/last.safetensors")));
  write_image(file("elsewhere/motion/sadness.png"), noise(10, 7).view());
  const auto other = train(resume);
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "other data: the masks: ")) << other.err;
}

TEST_F(Fit, WhatAConfigurationAsksForIsDoneOrRefused) {
  const auto refused = [&](const std::string& text, const std::string& part) {
    test::write_text(file("c.toml"), text);
    const auto outcome = train(fit("run", {"--config", file("c.toml"), "--check"}));
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
  };
  refused("[fit]\nepcohs = 7\n", "--config: there is no option 'epcohs'");
  refused("epochs = 7\n", "'epochs' is in no section of a subcommand");
  refused("[fti]\nepochs = 7\n", "'fti.epochs' is in no section of a subcommand");
  refused("[fit]\nresume = true\n", "there is no option 'resume'");
  refused("[fit]\nx = 1\n", "there is no option 'x'");
  // A '#' that is in quotes begins no comment.
  fs::rename(file("masks"), file("m#x"));
  test::write_text(file("c.toml"), "[fit]  # a section\nmasks = \"" + file("m#x") + "\"  # \"masks\"\nlr = 0.003# rate\n");
  auto arguments = fit("run", {"--phase1-epochs", "1", "--epochs", "1", "--config", file("c.toml")});
  arguments.erase(std::find(arguments.begin(), arguments.end(), "--masks"), std::find(arguments.begin(), arguments.end(), "--name"));
  const auto outcome = train(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(test::read_text(file("run/config.toml")), "lr=0.003"));
  const auto again = train({"fit", file("data"), "-o", file("again"), "--config", file("run/config.toml")});
  EXPECT_EQ(again.status, 0) << again.err;
}

TEST_F(Fit, ARateThatNeverFallsIsTold) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "2", "--phase1-constant", "3", "--epochs", "1", "--constant", "1"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "phase 1: the learning rate does not fall, --phase1-constant 3 is more than its 2 epochs"))
      << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "phase 2: the learning rate does not fall")) << outcome.out;
}

// With a label that no picture bears out, no temperature is the best one.
TEST_F(Fit, WhereNothingCanBeCalibratedTheModelAnswersAllTheSame) {
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows)
    if (row.split == "valid") row.label = row.label == "sadness" ? "happiness" : "sadness";
  write_manifest(file("data"), rows);
  const auto outcome = train(fit("run", {"--phase1-epochs", "1", "--epochs", "8", "--lr", "2e-3", "--constant", "8"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "not calibrated: no temperature between 0.2 and 5 fits: too few pictures (20)")) << outcome.out;
  const ModelInfo info = read_model_info(file("run/last.safetensors"));
  EXPECT_EQ(info.temperature, 1);
  EXPECT_EQ(info.min_confidence, 0);
  EXPECT_EQ(info.provenance.count("calibration_images"), 0U);
}

// A run of a version that did not know --fmg-weights.
TEST_F(Fit, AnOlderVersionsRunGoesOn) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1"};
  ASSERT_EQ(train(fit("run", brief)).status, 0);
  std::string config = test::read_text(file("run/config.toml"));
  const std::string line = "fmg-weights=\"\"\n";
  ASSERT_TRUE(contains(config, line)) << config;
  test::write_text(file("run/config.toml"), config.erase(config.find(line), line.size()));
  auto resume = brief;
  resume.push_back("--resume");
  const auto outcome = train(fit("run", resume));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  resume.insert(resume.end(), {"--fmg-weights", "other.safetensors"});
  const auto other = train(fit("run", resume));
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "fmg-weights = \"other.safetensors\" (the run: not set)")) << other.err;
}

TEST_F(Fit, WhatHasNoPhaseOneSaysSo) {
  const auto drawn = train(fit("drawn", {"--phase", "2", "--epochs", "1"}));
  ASSERT_EQ(drawn.status, 0) << drawn.err;
  EXPECT_TRUE(contains(drawn.out, "FMG starts from drawn weights and has no phase 1")) << drawn.out;
  EXPECT_FALSE(contains(train(fit("both", {"--epochs", "1"})).out, "FMG starts from drawn weights"));
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--ablation", "no-mask"}, {"--phase1-epochs", "0"}}) {
    auto options = more;
    options.insert(options.end(), {"--phase", "1"});
    const auto nothing = train(fit("nothing", options));
    EXPECT_EQ(nothing.status, 1);
    EXPECT_TRUE(contains(nothing.err, "--phase 1: nothing to train")) << nothing.err;
    EXPECT_FALSE(fs::exists(file("nothing")));
  }
}

TEST_F(Fit, AllNetworksStartFromAModel) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "0", "--epochs", "1", "--lr", "0", "--fmg-lr", "0", "--weights", model_}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto given = read_safetensors(model_), kept = read_safetensors(file("run/best.safetensors"));
  for (const char* key : {"resface.res_top.0.weight", "fusion.model.1.weight", "cls.layer4.1.conv2.weight"})
    EXPECT_EQ(kept.tensors.at(key).bytes, given.tensors.at(key).bytes) << key;
}

TEST_F(Fit, TheWayWithoutMasksDoesNotStartFromAGuidedModel) {
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1"};
  ASSERT_EQ(train(fit("guided", brief)).status, 0);
  auto unguided = brief;
  unguided.insert(unguided.end(), {"--ablation", "no-mask"});
  ASSERT_EQ(train(fit("unguided", unguided)).status, 0);
  const auto from = [&](const std::string& run) {
    auto arguments = unguided;
    arguments.insert(arguments.end(), {"--check", "--weights", file(run + "/last.safetensors")});
    return train(fit("next", arguments));
  };
  EXPECT_EQ(from("unguided").status, 0);
  const auto refused = from("guided");
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(contains(refused.err, "guided/last.safetensors has a FMG that was trained with masks")) << refused.err;
}

TEST_F(Fit, WhereNothingIsHeldOutThereIsNoAccuracy) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "1", "--epochs", "1", "--valid-split", ""}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(contains(outcome.out, "valid accuracy")) << outcome.out;
  for (const EpochMetrics& epoch : read_metrics(file("run/metrics.csv"))) EXPECT_FALSE(epoch.valid_accuracy);
}

// As CK+ is: gray people first.
TEST_F(Fit, ColourIsLookedForInTheWholeSet) {
  auto rows = read_manifest(file("data"));
  for (std::size_t i = 0; i + 8 < rows.size(); ++i) {
    Image crop = read_image(file("data/" + rows[i].path));
    for (std::size_t k = 0; k < crop.pixels.size(); k += 3) crop.pixels[k + 1] = crop.pixels[k + 2] = crop.pixels[k];
    write_image(file("data/" + rows[i].path), crop.view());
  }
  EXPECT_TRUE(contains(train(fit("run", {"--check"})).out, "see the faces in colour"));
  EXPECT_TRUE(contains(train(fit("run", {"--check", "--color", "gray"})).out, "see the faces in gray"));
  rows.resize(rows.size() - 8);
  write_manifest(file("data"), rows);
  EXPECT_TRUE(contains(train(fit("run", {"--check"})).out, "see the faces in gray"));
}

TEST_F(Fit, ARunDoesNotNeedItsRecipeFileAgain) {
  const std::string recipe = file("mine.toml");
  test::write_text(recipe, "[fit]\nlr = 0.003\nepochs = 2\nphase1-epochs = 1\n");
  auto arguments = fit("run", {"--recipe", recipe});
  const auto drop = [&](const std::string& name) {
    const auto at = std::find(arguments.begin(), arguments.end(), name);
    arguments.erase(at, at + 2);
  };
  drop("--epochs"), drop("--phase1-epochs");
  ASSERT_EQ(train(arguments).status, 0);
  fs::remove(recipe);
  const auto again = train({"fit", "--config", file("run/config.toml"), file("data"), "-o", file("again")});
  ASSERT_EQ(again.status, 0) << again.err;
  expect_same_models("run", "again");
  arguments.emplace_back("--resume");
  const auto resumed = train(arguments);
  EXPECT_EQ(resumed.status, 0) << resumed.err;
}

TEST_F(Fit, ATeacherIsBelievedAsFarAsItsShare) {
  const std::vector<std::string> enough{"--phase1-epochs", "1", "--epochs", "8", "--lr", "2e-3", "--constant", "8"};
  ASSERT_EQ(train(fit("teacher", enough)).status, 0);
  const std::string teacher = file("teacher/last.safetensors");
  ASSERT_GE(std::stod(read_model_info(teacher).provenance.at("valid_accuracy")), 0.9);
  const auto taught = [&](const std::string& run, const std::string& share) {
    auto options = enough;
    options.insert(options.end(), {"--teacher", teacher, "--teacher-share", share});
    const auto outcome = train(fit(run, options));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return std::stod(read_model_info(file(run + "/last.safetensors")).provenance.at("valid_accuracy"));
  };
  // Every label of the training pictures is wrong.
  auto rows = read_manifest(file("data"));
  for (auto& row : rows)
    if (row.split == "train") row.label = row.label == "happiness" ? "sadness" : "happiness";
  write_manifest(file("data"), rows);
  EXPECT_LE(taught("labels", "0.01"), 0.1);
  EXPECT_GE(taught("teacher-alone", "1"), 0.9);
  EXPECT_EQ(read_model_info(file("labels/last.safetensors")).provenance.at("teacher"), "toy, share 0.01");
  EXPECT_EQ(read_model_info(teacher).provenance.count("teacher"), 0U);
}

TEST_F(Fit, ATaughtRunResumesExactly) {
  ASSERT_EQ(train(fit("teacher", {"--phase1-epochs", "1", "--epochs", "1"})).status, 0);
  resumes_exactly({"--teacher", file("teacher/last.safetensors"), "--teacher-share", "0.5", "--mixup", "0.2"});
}

TEST_F(Fit, TheTeachersAreAskedOnce) {
  const std::vector<std::string> options{"--phase1-epochs", "1", "--epochs", "1", "--teacher", file("teacher/last.safetensors"), "--teacher",
                                         file("teacher/last.safetensors"), "--teacher-share", "0.5"};
  ASSERT_EQ(train(fit("teacher", {"--phase1-epochs", "1", "--epochs", "1"})).status, 0);
  ASSERT_EQ(train(fit("run", options)).status, 0);
  EXPECT_EQ(read_model_info(file("run/last.safetensors")).provenance.at("teacher"), "toy + toy, share 0.5");
  const auto resumed = [&] {
    auto again = options;
    again.push_back("--resume");
    return train(fit("run", again));
  };
  // They are not needed any more.
  std::filesystem::rename(file("teacher"), file("gone"));
  std::filesystem::remove(file("run/last.safetensors"));
  ASSERT_EQ(resumed().status, 0);
  EXPECT_EQ(read_model_info(file("run/last.safetensors")).provenance.at("teacher"), "toy + toy, share 0.5");
  // Of other pictures they have said nothing yet.
  auto rows = read_manifest(file("data"));
  std::reverse(rows.begin(), rows.end());
  write_manifest(file("data"), rows);
  const auto other = resumed();
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "teacher/last.safetensors")) << other.err;
}

TEST_F(Fit, OnAGpuTwoRunsAreTheSame) {
  const std::vector<std::string> options{"--phase1-epochs", "1", "--epochs", "2", "--device", "cuda", "--augmentation", "robust"};
  const auto first = train(fit("first", options));
  if (contains(first.err, "sees no CUDA device")) GTEST_SKIP() << first.err;
  ASSERT_EQ(first.status, 0) << first.err;
  ASSERT_EQ(train(fit("second", options)).status, 0);
  EXPECT_EQ(test::read_text(file("first/last.safetensors")), test::read_text(file("second/last.safetensors")));
}

TEST_F(Fit, ATeacherMayTakeAnotherSideButNotOtherClasses) {
  const auto outcome = train(fit("run", {"--phase1-epochs", "1", "--epochs", "1", "--teacher", model_, "--teacher-share", "0.5"}));
  EXPECT_EQ(outcome.status, 1);
  for (const std::string& part : {model_, std::string("the data has happiness, sadness")})
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  ASSERT_EQ(train(fit("small", {"--phase1-epochs", "1", "--epochs", "1", "--input-size", "12", "--crop-size", "20"})).status, 0);
  EXPECT_EQ(train(fit("big", {"--phase1-epochs", "1", "--epochs", "1", "--teacher", file("small/last.safetensors"), "--teacher-share", "0.5"})).status,
            0);
  EXPECT_TRUE(contains(train(fit("much", {"--teacher", model_, "--teacher-share", "1.5"})).err, "[0, 1]"));
  EXPECT_TRUE(contains(train(fit("none", {"--teacher-share", "0.5"})).err, "go together"));
  EXPECT_TRUE(contains(train(fit("deaf", {"--teacher", model_})).err, "go together"));
}

TEST_F(Fit, FaultsEndWithAStatusAndName) {
  const auto expect_fault = [&](const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    const auto outcome = train(arguments);
    EXPECT_NE(outcome.status, 0);
    for (const auto& part : parts) EXPECT_TRUE(contains(outcome.err, part)) << "'" << part << "' is not in: " << outcome.err;
  };
  test::write_text(file("plain"), "a file, not a folder");
  expect_fault(fit("plain/run"), {file("plain")});
  expect_fault(fit("new", {"--resume"}), {file("new"), "resume"});
  expect_fault(fit("new", {"--masks", file("no-masks")}), {"no-masks"});
  fs::remove(file("masks/sadness.png"));
  expect_fault(fit("new", {"--phase1-epochs", "1", "--epochs", "1"}), {"sadness", "mask"});
  expect_fault(fit("odd", {"--input-size", "18", "--missing-mask", "zero"}), {"18"});
  expect_fault(fit("wide", {"--input-size", "24", "--missing-mask", "zero"}), {"--input-size"});
  expect_fault(fit("other", {"--crop-size", "24", "--missing-mask", "zero"}), {"20×20", "24"});
  const std::vector<std::string> brief{"--phase1-epochs", "1", "--epochs", "1", "--missing-mask", "mean"};
  ASSERT_EQ(train(fit("done", brief)).status, 0);
  expect_fault(fit("done", brief), {file("done"), "--resume"});
  expect_fault(fit("done", {"--phase1-epochs", "1", "--epochs", "2", "--missing-mask", "mean", "--resume"}),
               {"another configuration", "epochs = 2 (the run: 1)"});
  for (const char* name : {"--lr", "--fmg-lr", "--phase1-lr", "--pfn-lr", "--mixup", "--weight-decay", "--lambda-mask"})
    expect_fault(fit("range", {std::string(name) + "=-1"}), {std::string(name) + " must not be negative"});
  for (const char* threads : {"--threads=-1", "--threads=1025"})
    expect_fault(fit("range", {threads}), {"--threads must be 0 (all cores) to 1024"});
  expect_fault(fit("range", {"--mixup=nan"}), {"--mixup must not be negative"});
  expect_fault(fit("range", {"--fold=-2"}), {"--fold must be -1"});
  expect_fault(fit("wild", {"--phase1-epochs", "0", "--epochs", "1", "--lr", "1e30", "--missing-mask", "zero"}),
               {"no finite number any more (a smaller learning rate may help)\n"});
}

}  // namespace
}  // namespace fmpn::train
