// train/compare_ways.py on a few pictures: every way with every seed, a table, and again as if it had been stopped.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <fmpn/model_info.h>

#include "environment.h"
#include "manifest.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class CompareWays : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    ASSERT_NE(std::getenv("FMPN_SOURCE_ROOT"), nullptr);
    fs::create_directories(file("data"));
    fs::create_directories(file("masks"));
    std::vector<ManifestRow> rows;
    for (unsigned i = 0; i < 24; ++i) {
      const std::string name = std::to_string(i) + ".png";
      write_image(file("data/" + name), noise(20, i).view());
      rows.push_back({name, "", i % 2 == 0 ? "happiness" : "sadness", "", "", "", "", i < 16 ? "train" : "valid", "", true});
    }
    write_manifest(file("data"), rows);
    for (const char* name : {"happiness", "sadness"}) write_image(file(std::string("masks/") + name + ".png"), noise(10, 99).view());
    test::write_text(file("recipe.toml"),
                     "[fit]\ncn = \"resnet18\"\ncn-width = 4\ncn-stem = \"small\"\nfmg-width = 2\ninput-size = 16\ncrop-size = 20\n"
                     "phase1-epochs = 1\nphase1-batch = 4\nepochs = 1\nbatch = 4\nthreads = 1\n");
  }
  static std::string script() { return std::string(std::getenv("FMPN_SOURCE_ROOT")) + "/train/compare_ways.py"; }
  test::Outcome compare(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{script(),
                                       file("data"),
                                       file("out"),
                                       "--recipe",
                                       file("recipe.toml"),
                                       "--masks",
                                       file("masks"),
                                       "--seeds",
                                       "1,2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_program(arguments);
  }
};

TEST_F(CompareWays, EveryWayWithEverySeedAndKeepsWhatIsDone) {
  const auto outcome = compare({"--jobs", "2"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* part : {"| way | seed 1 | seed 2 | mean | difference | own masks |", "\n| baseline | ", "\n| no-mask | ", "\n| fmpn | ", " ± "})
    EXPECT_TRUE(contains(outcome.out, part)) << part << " is not in\n" << outcome.out;
  EXPECT_FALSE(read_model_info(file("out/baseline-2/last.safetensors")).uses_masks);
  // Changed results show which are read; one that is gone is made again, from its checkpoint.
  test::write_text(file("out/baseline-1/result.json"), R"({"accuracy": 0.25})");
  test::write_text(file("out/baseline-2/result.json"), R"({"accuracy": 0.5})");
  test::write_text(file("out/fmpn-1/result.json"), R"({"accuracy": 0.5, "mean_mask_accuracy": 0.4})");
  test::write_text(file("out/fmpn-2/result.json"), R"({"accuracy": 0.65, "mean_mask_accuracy": 0.67})");
  fs::remove(file("out/no-mask-1/result.json"));
  const auto again = compare({});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "| baseline | 25.00 | 50.00 | 37.50 |  |  |")) << again.out;
  EXPECT_TRUE(contains(again.out, "| fmpn | 50.00 | 65.00 | 57.50 | +20.00 ± 5.00 | +4.00 |")) << again.out;
  EXPECT_TRUE(fs::exists(file("out/no-mask-1/result.json")));
}

// Sums depend on the threads.
TEST_F(CompareWays, WhoGoesOnWithOtherJobsTakesAsManyThreads) {
  test::Environment environment;
  environment.set("OMP_NUM_THREADS", "3");
  const std::vector<std::string> way{"--way", "own: --ablation baseline --threads 0"};
  ASSERT_EQ(compare(way).status, 0);
  environment.unset("OMP_NUM_THREADS");
  fs::remove_all(file("out/own-2"));
  ASSERT_EQ(compare({"--jobs", "2", way[0], way[1]}).status, 0);
  const std::string arithmetic = read_model_info(file("out/own-2/last.safetensors")).provenance.at("arithmetic");
  EXPECT_TRUE(contains(arithmetic, ", 3 threads")) << arithmetic;
}

TEST_F(CompareWays, DrawsThePicturesOfASeedOnceForAllWays) {
  ASSERT_EQ(compare({"--images", "6", "--way", "own: --ablation baseline --epochs 2", "--way", "other: --ablation no-mask"}).status, 0);
  const auto names = [&](const char* folder) {
    std::vector<std::string> training;
    std::size_t others = 0;
    for (const ManifestRow& row : read_manifest(file(folder)))
      if (row.split == "train") training.push_back(row.path);
      else ++others;
    EXPECT_EQ(others, 8U);
    return training;
  };
  const auto first = names("out/data-6-1"), second = names("out/data-6-2");
  EXPECT_EQ(first.size(), 6U);
  EXPECT_NE(first, second);
  EXPECT_TRUE(contains(test::read_text(file("out/own-1/config.toml")), "epochs=2"));
  EXPECT_TRUE(contains(test::read_text(file("out/other-1/config.toml")), "data-6-1"));
}

TEST_F(CompareWays, AWayMayNameTheSeed) {
  ASSERT_EQ(compare({"--way", "own: --ablation baseline --name model-{seed}"}).status, 0);
  for (const char* seed : {"1", "2"})
    EXPECT_TRUE(contains(test::read_text(file(std::string("out/own-") + seed + "/config.toml")), std::string("name=\"model-") + seed));
}

TEST_F(CompareWays, CrossValidates) {
  auto rows = read_manifest(file("data"));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].split.clear(), rows[i].fold = std::to_string(i / 2 % 2);
  write_manifest(file("data"), rows);
  const auto outcome = compare({"--cv", "--way", "all: --ablation no-mask"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto table = nlohmann::json::parse(test::read_text(file("out/all-1/table.json")));
  EXPECT_EQ(table["folds"].size(), 2U);
  char text[16];
  std::snprintf(text, sizeof text, "| all | %.2f |", 100 * table["mean"].get<double>());
  EXPECT_TRUE(contains(outcome.out, text)) << outcome.out;
  fs::remove(file("out/all-1/table.json"));
  const auto again = compare({"--cv", "--way", "all: --ablation no-mask"});
  EXPECT_EQ(again.out, outcome.out) << again.err;
  EXPECT_EQ(compare({"--cv", "--images", "6"}).status, 2);
}

TEST_F(CompareWays, ARunOfAnotherCommandIsNotTakenForThisOne) {
  const std::vector<std::string> way{"--way", "own: --ablation baseline"};
  ASSERT_EQ(compare(way).status, 0);
  const auto more = compare({"--images", "6", "--way", "own: --ablation baseline"});
  EXPECT_EQ(more.status, 1);
  for (const std::string& part : {file("out/own-1"), std::string("made by another command"), std::string("data-6-1")})
    EXPECT_TRUE(contains(more.err, part)) << part << " is not in " << more.err;
  EXPECT_EQ(compare({"--way", "own: --ablation no-mask"}).status, 1);
  EXPECT_EQ(compare(way).status, 0);
}

TEST_F(CompareWays, StoppedItTakesItsRunsWithIt) {
  std::vector<std::string> arguments{script(), file("data"), file("out"), "--recipe", file("recipe.toml"), "--masks", file("masks"),
                                     "--way", "long: --epochs 100000"};
  test::Program program(arguments);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (program.running() && !fs::exists(file("out/long-1/checkpoint.pt")) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().status, 128 + SIGTERM);
  // Nobody writes there any more, and the runs after it have not begun.
  const auto written = fs::last_write_time(file("out/long-1/metrics.csv"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(fs::last_write_time(file("out/long-1/metrics.csv")), written);
  EXPECT_FALSE(fs::exists(file("out/long-2")));
}

TEST_F(CompareWays, FaultsNameTheCommandAndItsError) {
  const auto outcome = compare({"--way", "bad: --no-such-option 1"});
  EXPECT_EQ(outcome.status, 1);
  for (const char* part : {"fmpn-train", "bad-1", "no-such-option"}) EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  EXPECT_TRUE(contains(compare({"--images", "17"}).err, "16 training pictures"));
  for (const char* way : {"nameless", ": --epochs 1", "a/b:"}) EXPECT_EQ(compare({"--way", way}).status, 2) << way;
  EXPECT_EQ(compare({"--way", "twice:", "--way", "twice: --epochs 2"}).status, 2);
  EXPECT_EQ(compare({"--seeds", "1,1"}).status, 2);
  EXPECT_EQ(compare({"--images", "0"}).status, 2);
  const auto unwatched = compare({"--way", "unwatched: --valid-split ''"});
  EXPECT_EQ(unwatched.status, 1);
  EXPECT_TRUE(contains(unwatched.err, "was anything held out")) << unwatched.err;
}

}  // namespace
}  // namespace fmpn::train
