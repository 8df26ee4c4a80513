// fmpn-train cv: every fold once, whatever interrupts it, and one table.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include <fmpn/error.h>
#include <fmpn/model_info.h>

#include "csv.h"
#include "environment.h"
#include "fold_runner.h"
#include "folder_lock.h"
#include "manifest.h"
#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Cv : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    // Six subjects in three folds; bright above is happiness, bright below is sadness; each subject's neutral face is dark.
    fs::create_directories(file("data"));
    std::vector<ManifestRow> rows;
    for (int s = 0; s < 6; ++s) {
      const std::string subject = "S" + std::to_string(s), fold = std::to_string(2 - s / 2);
      for (int i = 0; i < 5; ++i) {
        const bool happy = i % 2 == 0;
        Image crop = noise(20, static_cast<unsigned>(10 * s + i));
        for (std::size_t k = 0; k < crop.pixels.size(); ++k)
          crop.pixels[k] = static_cast<std::uint8_t>(crop.pixels[k] / 2 + (i < 4 && (k < crop.pixels.size() / 2) == happy ? 120 : 0));
        const std::string name = subject + '-' + std::to_string(i) + ".png";
        write_image(file("data/" + name), crop.view());
        rows.push_back({name, "",
                        i == 4  ? ""
                        : happy ? "happiness"
                                : "sadness",
                        subject, "1", std::to_string(i), fold, "", i == 4 ? "" : subject + "-4.png", true});
      }
    }
    write_manifest(file("data"), rows);
    const auto outcome = train({"masks", file("data"), "-o", file("masks"), "--contact-sheet"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }

  std::vector<std::string> cv(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"cv", file("data"), "-o", file(run), "--masks", file("masks"), "--name", "toy",
                                       "--cn", "resnet18", "--cn-width", "4", "--cn-stem", "small", "--fmg-width", "2",
                                       "--input-size", "16", "--crop-size", "20", "--phase1-epochs", "2",
                                       "--phase1-batch", "4", "--epochs", "3", "--batch", "4", "--seed", "7",
                                       "--threads", "1", "--initialisation", "scratch", "--lr", "2e-3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static bool wait_until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!reached() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return reached();
  }
  nlohmann::json table(const std::string& run) const { return nlohmann::json::parse(test::read_text(file(run + "/table.json"))); }
};

TEST_F(Cv, EveryPictureIsTestedOnceAndTheTableSumsUp) {
  const auto outcome = train(cv("run", {"--folds", "3", "--jobs", "2"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto out = table("run");
  EXPECT_EQ(out["images"], 24);
  EXPECT_EQ(out["classes"], (std::vector<std::string>{"happiness", "sadness"}));
  double sum = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(out["folds"][k]["images"], 8);
    sum += out["folds"][k]["accuracy"].get<double>();
    // The fold's model, judged by evaluate on the fold's own pictures, agrees.
    const std::string model = file("run/fold-" + std::to_string(k) + "/last.safetensors");
    const auto judged = train({"evaluate", model, file("data"), "--fold", std::to_string(k), "--masks", file("masks"), "--json"});
    ASSERT_EQ(judged.status, 0) << judged.err;
    EXPECT_NEAR(nlohmann::json::parse(judged.out)["mask_r2"].get<double>(), out["folds"][k]["mask_r2"].get<double>(), 1e-3)
        << "with the masks of this fold";
    EXPECT_EQ(nlohmann::json::parse(judged.out)["images"], 8);
    EXPECT_NEAR(nlohmann::json::parse(judged.out)["accuracy"].get<double>(), out["folds"][k]["accuracy"].get<double>(), 0.126)
        << "one picture may fall otherwise in half precision";
    EXPECT_FALSE(fs::exists(file("run/fold-" + std::to_string(k) + "/best.safetensors"))) << "no model is chosen by test pictures";
  }
  EXPECT_NEAR(out["mean"].get<double>(), sum / 3, 1e-12);
  const CsvTable all(file("run/predictions.csv"), {"fold", "path", "label", "named", "p_sadness"});
  ASSERT_EQ(all.size(), 24U);
  std::set<std::string> pictures;
  long right = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all.get(i, "fold"), std::to_string(i / 8));
    pictures.insert(all.get(i, "path"));
    right += all.get(i, "named") == all.get(i, "label") ? 1 : 0;
  }
  EXPECT_EQ(pictures.size(), 24U);
  EXPECT_DOUBLE_EQ(out["pooled"].get<double>(), static_cast<double>(right) / 24);
  // A fold's model knows the other folds.
  const std::string model = file("run/fold-1/last.safetensors");
  const auto warns = [&](const std::vector<std::string>& of) {
    std::vector<std::string> arguments{"evaluate", model, file("data")};
    arguments.insert(arguments.end(), of.begin(), of.end());
    return contains(train(arguments).err, "trained on all folds of data but fold 1");
  };
  EXPECT_FALSE(warns({"--fold", "1"}));
  EXPECT_TRUE(warns({"--fold", "0"}));
  EXPECT_TRUE(warns({}));
  // So does who learns from it, in every fold but its own.
  for (const char* option : {"--cn-weights", "--fmg-weights", "--weights", "--teacher"}) {
    std::vector<std::string> more{option, model};
    if (option == std::string("--teacher")) more.insert(more.end(), {"--teacher-share", "0.5"});
    auto arguments = cv(std::string("from") + option, more);
    arguments.insert(arguments.end(), {"--fold", "0", "--check"});
    arguments[0] = "fit";
    const auto checked = train(arguments);
    EXPECT_TRUE(contains(checked.err, std::string("warning: ") + option + ' ' + model + " was trained on all folds of data but fold 1"))
        << checked.err;
    arguments[arguments.size() - 2] = "1";
    EXPECT_FALSE(contains(train(arguments).err, "warning")) << option;
  }
  auto leaky = cv("leaky", {"--cn-weights", model, "--epochs", "1", "--phase1-epochs", "0"});
  EXPECT_TRUE(contains(train(leaky).err, "fold 0: fmpn-train: warning: --cn-weights"));
  EXPECT_TRUE(out["mean_with_mean_mask"].is_number());
  EXPECT_TRUE(out["mean_mask_r2"].is_number());
  EXPECT_TRUE(contains(outcome.out, "mean R² of the masks")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "unweighted mean of the folds")) << outcome.out;
  for (const char* name :
       {"table.txt", "report.html", "confusion.png", "folds.png", "curves.png", "fold-0/samples.png", "fold-0/report.html"})
    EXPECT_TRUE(fs::exists(file(std::string("run/") + name))) << name;
}

TEST_F(Cv, StoppedAndResumedItComesToTheSame) {
  ASSERT_EQ(train(cv("whole")).status, 0);
  {
    test::Program program(command(cv("parts")));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (program.running() && !fs::exists(file("parts/fold-1/checkpoint.pt")) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    program.send(SIGTERM);
    const auto outcome = program.wait();
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--resume")) << outcome.err;
  }
  EXPECT_TRUE(fs::exists(file("parts/fold-0/result.json")));
  EXPECT_FALSE(fs::exists(file("parts/table.json")));
  const auto refused = train(cv("parts"));
  EXPECT_NE(refused.status, 0);
  EXPECT_TRUE(contains(refused.err, "--resume")) << refused.err;
  const auto other = train(cv("parts", {"--resume", "--ema", "0.5"}));
  EXPECT_NE(other.status, 0);
  EXPECT_TRUE(contains(other.err, "another configuration")) << other.err;
  const auto rest = train(cv("parts", {"--resume"}));
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(table("parts"), table("whole"));
  for (const char* fold : {"fold-0", "fold-1", "fold-2"}) {
    const auto one = read_safetensors(file(std::string("whole/") + fold + "/last.safetensors")),
               two = read_safetensors(file(std::string("parts/") + fold + "/last.safetensors"));
    for (const auto& [key, tensor] : one.tensors) EXPECT_EQ(tensor.bytes, two.tensors.at(key).bytes) << fold << ' ' << key;
  }
}

// Killed, as by a scheduler or for want of memory, it can't tell its folds to stop.
TEST_F(Cv, KilledItLeavesNoFoldTraining) {
  const auto endless = cv("run", {"--phase1-epochs", "1", "--epochs", "100000"});
  test::Program program(command(endless));
  ASSERT_TRUE(wait_until([&] { return fs::exists(file("run/fold-0/checkpoint.pt")); }));
  auto resume = endless;
  resume.emplace_back("--resume");
  const auto second = train(resume);
  EXPECT_EQ(second.status, 1);
  EXPECT_TRUE(contains(second.err, file("run") + ": another fmpn-train (process ")) << second.err;
  const int fold = std::stoi(test::read_text(file("run/fold-0/run.lock")));
  const auto alone = train({"fit", file("data"), "-o", file("run/fold-0"), "--config", file("run/fold-0/config.toml"), "--resume"});
  EXPECT_TRUE(contains(alone.err, "another fmpn-train (process " + std::to_string(fold) + ") is at work in this folder")) << alone.err;
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().status, 128 + SIGKILL);
  const auto is_free = [&] {
    try {
      const FolderLock lock(file("run/fold-0"));
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(wait_until(is_free)) << "the fold trains on";
  if (!is_free()) kill(fold, SIGKILL);
}

// The other folds may go on for hours.
TEST_F(Cv, AFoldThatFailsIsToldAtOnce) {
  const std::string log = file("log.txt");
  std::vector<std::string> logged{"/bin/bash", "-c", "exec \"$@\" 2> \"$0\"", log};
  for (const std::string& word : command(cv("run", {"--phase1-epochs", "1", "--epochs", "100000", "--jobs", "2"}))) logged.push_back(word);
  test::Program program(logged);
  ASSERT_TRUE(wait_until([&] { return fs::exists(file("run/fold-0/checkpoint.pt")) && fs::exists(file("run/fold-1/checkpoint.pt")); }));
  kill(std::stoi(test::read_text(file("run/fold-0/run.lock"))), SIGKILL);
  const std::string told = "fold 0 was ended by signal 9 (Killed, perhaps for want of memory): ";
  EXPECT_TRUE(wait_until([&] { return contains(test::read_text(log), told); })) << test::read_text(log);
  EXPECT_TRUE(program.running());
  EXPECT_TRUE(contains(test::read_text(log), "those under way go on")) << test::read_text(log);
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().status, 1);
}

TEST(LastWords, AreOfTheLatestAttempt) {
  const std::string first = attempt_line(2) + "fmpn-train: the first fault\n";
  EXPECT_EQ(last_words(first), "fmpn-train: the first fault");
  EXPECT_EQ(last_words(first + attempt_line(2) + "read 60/60\nphase 1 epoch 1\n"), "read 60/60 phase 1 epoch 1");
  EXPECT_EQ(last_words(first + attempt_line(2)), "it said nothing");
  EXPECT_EQ(last_words("of an older version\nfmpn-train: a fault\n"), "fmpn-train: a fault");
  EXPECT_EQ(last_words(""), "it said nothing");
  EXPECT_EQ(failure_text(1), "failed with status 1");
  EXPECT_EQ(failure_text(139), "was ended by signal 11 (Segmentation fault)");
}

TEST_F(Cv, AFoldOfAnotherRunIsNotTakenForItsOwnAndAHalfOneIsMadeWhole) {
  const std::vector<std::string> brief{"--phase1-epochs", "0", "--epochs", "1"};
  ASSERT_EQ(train(cv("run", brief)).status, 0);
  const std::string whole = test::read_text(file("run/fold-1/result.json"));
  fs::remove(file("run/fold-1/last.safetensors"));
  fs::remove(file("run/fold-1/report.html"));
  auto resume = brief;
  resume.emplace_back("--resume");
  const auto outcome = train(cv("run", resume));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "2 of 3 folds are done already")) << outcome.err;
  EXPECT_TRUE(fs::exists(file("run/fold-1/last.safetensors")));
  EXPECT_TRUE(fs::exists(file("run/fold-1/report.html")));
  EXPECT_EQ(test::read_text(file("run/fold-1/result.json")), whole);

  // One fold is done, the others are not begun: they must not be of other data.
  fs::remove_all(file("run/fold-1"));
  auto rows = read_manifest(file("data"));
  rows.pop_back(), rows.pop_back();
  write_manifest(file("data"), rows);
  const auto mixed = train(cv("run", resume));
  EXPECT_EQ(mixed.status, 1);
  EXPECT_TRUE(contains(mixed.err, "fold 0: ") && contains(mixed.err, "started with other data: the pictures")) << mixed.err;
  EXPECT_FALSE(fs::exists(file("run/fold-1")));

  fs::create_directories(file("other"));
  fs::copy(file("run/fold-2"), file("other/fold-2"));
  const auto refused = train(cv("other", brief));
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(contains(refused.err, file("other/fold-2") + ": holds a run that is not of this cross-validation")) << refused.err;
}

TEST_F(Cv, ItGoesOnWhereItsDataHasMoved) {
  const std::vector<std::string> brief{"--phase1-epochs", "0", "--epochs", "1"};
  ASSERT_EQ(train(cv("run", brief)).status, 0);
  fs::remove_all(file("run/fold-2"));
  fs::create_directory(file("elsewhere"));
  fs::rename(file("data"), file("elsewhere/faces")), fs::rename(file("masks"), file("elsewhere/motion"));
  auto resume = cv("run", {"--phase1-epochs", "0", "--epochs", "1", "--resume", "--cache-mb=0"});
  resume[1] = file("elsewhere/faces");
  *std::find(resume.begin(), resume.end(), file("masks")) = file("elsewhere/motion");
  const auto outcome = train(resume);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "2 of 3 folds are done already")) << outcome.err;
  EXPECT_EQ(table("run")["images"], 24);
  resume.insert(resume.end(), {"--lr", "1"});
  EXPECT_TRUE(contains(train(resume).err, "another configuration")) << "the rest has to be as it was";
}

TEST_F(Cv, ADataSetsNameMayHaveAnyBytes) {
  fs::rename(file("data"), file("da\xff"));
  auto arguments = cv("run", {"--phase1-epochs", "0", "--epochs", "1"});
  arguments[1] = file("da\xff");
  ASSERT_EQ(train(arguments).status, 0);
  EXPECT_EQ(table("run")["images"], 24);
  arguments.emplace_back("--resume");
  const auto again = train(arguments);
  EXPECT_EQ(again.status, 0) << again.err;
}

TEST_F(Cv, FaultsAreTold) {
  const auto expect_fault = [&](const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    const auto outcome = train(arguments);
    EXPECT_NE(outcome.status, 0);
    for (const auto& part : parts) EXPECT_TRUE(contains(outcome.err, part)) << "'" << part << "' is not in: " << outcome.err;
  };
  expect_fault(cv("a", {"--folds", "5"}), {"3 folds, not 5"});
  expect_fault(cv("b", {"--resume"}), {"no cross-validation to resume"});
  expect_fault(cv("c", {"--no-such-option", "1"}), {"fold 0: ", "no-such-option"});
  expect_fault(cv("e", {"--fmg-weights", "fmg-{fold}/{fold}.safetensors"}), {"fold 0: ", "fmg-0/0.safetensors"});
  expect_fault(cv("f", {"--phase", "1"}), {"--phase 1", "fit --fold K"});
  test::write_text(file("phase.toml"), "[fit]\nphase = \"1\"\n");
  expect_fault(cv("g", {"--recipe", file("phase.toml")}), {"phase", "a recipe", "fit --fold K"});
  EXPECT_FALSE(fs::exists(file("g/fold-0")));
  test::write_text(file("place.toml"), "[fit]  # {fold}\nfmg-weights = \"fmg-{fold}.safetensors\"\n");
  for (const char* option : {"--recipe", "--config"})
    expect_fault(cv("h", {option, file("place.toml")}), {file("place.toml"), "{fold} stands for the fold's number on the command line"});
  test::write_text(file("place.toml"), "[fit]\nname = \"a#b-{fold}\"\n");
  for (const char* option : {"--recipe", "--config"})
    expect_fault(cv("h", {option, file("place.toml")}), {file("place.toml"), "{fold} stands for the fold's number on the command line"});
  expect_fault(cv("f", {"--fold=2"}), {"--fold: ", "each in its turn"});
  expect_fault(cv("f", {"--check"}), {"--check: "});
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows) row.fold.clear();
  write_manifest(file("data"), rows);
  expect_fault(cv("d"), {"no folds"});
}

TEST_F(Cv, AFaultOfTheLastFoldIsToldBeforeTheFirstIsTrained) {
  const auto expect_nothing_trained = [&](const std::string& run, const std::vector<std::string>& more, const std::string& part) {
    const auto outcome = train(cv(run, more));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(contains(outcome.err, "fold 2: ") && contains(outcome.err, part)) << outcome.err;
    EXPECT_FALSE(fs::exists(file(run + "/fold-0")));
    EXPECT_FALSE(fs::exists(file(run + "/cv.toml"))) << "the same folder takes the command that is right";
  };
  fs::rename(file("masks/2/sadness.png"), file("sadness.png"));
  expect_nothing_trained("a", {}, "no mask for the class 'sadness'");
  fs::rename(file("sadness.png"), file("masks/2/sadness.png"));
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows)  // all sad faces are fold 2's now
    if (row.label == "sadness") row.fold = "2";
  write_manifest(file("data"), rows);
  for (const char* fold : {"0", "1", "2"}) fs::remove(file("masks") + "/" + fold + "/people.csv");  // who is held out now is in them
  expect_nothing_trained("a", {}, "no picture of the class 'sadness' to train on; all that there are may be in fold 2");
}

TEST_F(Cv, KeepsItsRecipeWhateverBecomesOfTheFile) {
  test::write_text(file("brief.toml"), "[fit]\nema = 0.5\n");
  const auto outcome = train(cv("run", {"--recipe", file("brief.toml"), "--epochs", "1", "--phase1-epochs", "1"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(test::read_text(file("run/fit-recipe.toml")), "ema = 0.5"));
  EXPECT_TRUE(contains(test::read_text(file("run/fold-2/config.toml")), "ema=0.5"));
  fs::remove(file("run/fold-2/result.json"));
  test::write_text(file("brief.toml"), "[fit]\nema = 0.25\n");
  const auto other = train(cv("run", {"--recipe", file("brief.toml"), "--epochs", "1", "--phase1-epochs", "1", "--resume"}));
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "ema = 0.25 (the run: 0.5)")) << other.err;
  fs::remove(file("brief.toml"));
  fs::remove_all(file("run/fold-2"));
  const auto rest = train(cv("run", {"--recipe", file("brief.toml"), "--epochs", "1", "--phase1-epochs", "1", "--resume"}));
  EXPECT_EQ(rest.status, 0) << rest.err;
  EXPECT_TRUE(contains(test::read_text(file("run/fold-2/config.toml")), "ema=0.5"));
}

TEST_F(Cv, KeepsTheRecipeThatItsConfigurationNames) {
  test::write_text(file("brief.toml"), "[fit]\nema = 0.5\n");
  test::write_text(file("cv.toml"), "[fit]\nrecipe = \"" + file("brief.toml") + "\"\nepochs = 1\nphase1-epochs = 1\n");
  auto arguments = cv("run", {"--config", file("cv.toml")});
  const auto drop = [&](const std::string& name) {  // what the configuration has: the command line's would count
    const auto at = std::find(arguments.begin(), arguments.end(), name);
    arguments.erase(at, at + 2);
  };
  drop("--epochs"), drop("--phase1-epochs");
  const auto outcome = train(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  fs::remove_all(file("run/fold-2"));
  test::write_text(file("brief.toml"), "[fit]\nema = 0.25\n");
  arguments.push_back("--resume");
  const auto other = train(arguments);
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "ema = 0.25 (the run: 0.5)")) << other.err;
  fs::remove(file("brief.toml"));
  const auto rest = train(arguments);
  EXPECT_EQ(rest.status, 0) << rest.err;
  const std::string resolved = test::read_text(file("run/fold-2/config.toml"));
  EXPECT_TRUE(contains(resolved, "ema=0.5") && contains(resolved, "\nepochs=1\n")) << resolved;
}

TEST_F(Cv, OfTwoRecipesTheLastIsKeptAsFitTakesIt) {
  test::write_text(file("first.toml"), "[fit]\nema = 0.25\n");
  test::write_text(file("last.toml"), "[fit]\nema = 0.5\n");
  const std::vector<std::string> brief{"--epochs", "1", "--phase1-epochs", "0",
                                       "--recipe", file("first.toml"), "--recipe=" + file("last.toml")};
  const auto outcome = train(cv("run", brief));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(test::read_text(file("run/fit-recipe.toml")), "ema = 0.5"));
  EXPECT_TRUE(contains(test::read_text(file("run/fold-2/config.toml")), "ema=0.5"));
  // One that is built in comes last: the file is not read, and may go.
  std::vector<std::string> built_in{"--recipe", file("first.toml"), "--recipe", "default"};
  built_in.insert(built_in.begin(), brief.begin(), brief.begin() + 4);
  built_in.insert(built_in.end(), {"--input-schedule", "", "--mixup", "0"});
  ASSERT_EQ(train(cv("built-in", built_in)).status, 0);
  EXPECT_FALSE(fs::exists(file("built-in/fit-recipe.toml")));
}

TEST_F(Cv, AConfigurationInTheRunFolderIsKeptAsItIs) {
  fs::create_directories(file("run"));
  const std::string text = "[fit]\nema = 0.5\n";
  test::write_text(file("run/recipe.toml"), text);
  test::write_text(file("run/fit-recipe.toml"), text);
  for (const char* name : {"--config", "--recipe"}) {
    const std::string own = file(std::string("run/") + (name == std::string("--config") ? "recipe.toml" : "fit-recipe.toml"));
    EXPECT_EQ(train(cv("run", {name, own, "--no-such-option", "1"})).status, 1);
    EXPECT_EQ(test::read_text(own), text);
  }
}

TEST_F(Cv, FoldsBegunLaterTakeAsManyThreads) {
  auto arguments = cv("run", {"--epochs", "1", "--phase1-epochs", "1"});
  const auto threads = std::find(arguments.begin(), arguments.end(), "--threads");
  arguments.erase(threads, threads + 2);
  const auto threads_of = [&](const char* fold) {
    return read_model_info(file(std::string("run/") + fold + "/last.safetensors")).provenance.at("arithmetic");
  };
  {
    test::Environment environment;
    environment.set("OMP_NUM_THREADS", "3");
    ASSERT_EQ(train(arguments).status, 0);
  }
  EXPECT_TRUE(contains(threads_of("fold-2"), ", 3 threads")) << threads_of("fold-2");
  fs::remove_all(file("run/fold-2"));
  arguments.insert(arguments.end(), {"--resume", "--jobs", "2"});
  const auto outcome = train(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(threads_of("fold-2"), threads_of("fold-1"));
}

// A run of a version that gave each fold its share of the cores as --threads, and kept no copy of a recipe.
TEST_F(Cv, AnOlderVersionsRunGoesOn) {
  test::write_text(file("brief.toml"), "[fit]\nema = 0.5\n");
  auto arguments = cv("run", {"--recipe", file("brief.toml"), "--jobs", "2"});
  arguments.erase(std::find(arguments.begin(), arguments.end(), "--threads"), std::find(arguments.begin(), arguments.end(), "1") + 1);
  ASSERT_EQ(train(arguments).status, 0);
  fs::remove(file("run/fit-recipe.toml")), fs::remove(file("run/fold-1/result.json"));
  std::string config = test::read_text(file("run/fold-1/config.toml"));
  const std::size_t at = config.find("threads=0");
  ASSERT_NE(at, std::string::npos) << config;
  test::write_text(file("run/fold-1/config.toml"), config.replace(at, 9, "threads=1"));
  arguments.push_back("--resume");
  const auto outcome = train(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

using CvMasks = Cv;

TEST_F(CvMasks, OfOtherDataAreNotLeftBesideNewOnes) {
  write_image(file("masks/2/disgust.png"), noise(20, 1).view());
  const auto outcome = train({"masks", file("data"), "-o", file("masks")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "masks/2/disgust.png")) << outcome.err;
  fs::remove(file("masks/2/disgust.png"));
  fs::create_directories(file("masks/3"));
  fs::copy_file(file("masks/2/sadness.png"), file("masks/3/sadness.png"));
  EXPECT_EQ(train({"masks", file("data"), "-o", file("masks")}).status, 1);
  fs::remove_all(file("masks/3"));
  EXPECT_EQ(train({"masks", file("data"), "-o", file("masks")}).status, 0);
  // Borrowed for three folds, there have to be three sets.
  fs::remove_all(file("masks/2"));
  const auto two = train({"masks", file("data"), "-o", file("borrowed"), "--from", file("masks")});
  EXPECT_EQ(two.status, 1);
  EXPECT_TRUE(contains(two.err, "2 sets of masks") && contains(two.err, "3 folds")) << two.err;
  EXPECT_EQ(train({"masks", file("data"), "-o", file("borrowed"), "--from", file("masks/0")}).status, 0);
}

TEST_F(CvMasks, OfAFoldKnowNothingOfItsSubjects) {
  for (const char* name : {"0/happiness.png", "2/sadness.png", "contact-sheet.png"})
    EXPECT_TRUE(fs::exists(file(std::string("masks/") + name))) << name;
  const std::string before = test::read_text(file("masks/2/happiness.png")), other = test::read_text(file("masks/0/happiness.png"));
  // S0 is in fold 2: changing its face changes the masks of the other folds only.
  write_image(file("data/S0-0.png"), noise(20, 999).view());
  ASSERT_EQ(train({"masks", file("data"), "-o", file("masks")}).status, 0);
  EXPECT_EQ(test::read_text(file("masks/2/happiness.png")), before);
  EXPECT_NE(test::read_text(file("masks/0/happiness.png")), other);
}

TEST_F(CvMasks, OfMeansKnowNothingOfAFoldsSubjectsEither) {
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows) {
    row.neutral.clear();
    if (row.label.empty()) row.label = "neutral";
  }
  write_manifest(file("data"), rows);
  const auto make = [&] { return train({"masks", file("data"), "-o", file("means"), "--class-means"}).status; };
  ASSERT_EQ(make(), 0);
  const std::string before = test::read_text(file("means/2/happiness.png")), other = test::read_text(file("means/0/happiness.png"));
  write_image(file("data/S0-0.png"), noise(20, 999).view());  // S0 is in fold 2
  ASSERT_EQ(make(), 0);
  EXPECT_EQ(test::read_text(file("means/2/happiness.png")), before);
  EXPECT_NE(test::read_text(file("means/0/happiness.png")), other);
}

TEST_F(CvMasks, WithoutPairsTheyAreDifferencesOfMeans) {
  auto rows = read_manifest(file("data"));
  for (ManifestRow& row : rows) {
    row.fold.clear(), row.neutral.clear();
    if (row.label.empty()) row.label = "neutral";
  }
  write_manifest(file("data"), rows);
  const std::vector<std::string> command{"masks", file("data"), "-o", file("means"), "--class-means", "--contact-sheet"};
  const auto outcome = train(command);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "happiness 12 pictures;")) << outcome.out;
  EXPECT_GT(read_image(file("means/contact-sheet.png")).width, 100);
  // Happiness is bright above, sadness below; neutral has not moved from itself.
  const auto mean = [&](const std::string& name, int first, int last) {
    const Image mask = read_image(file("means/" + name + ".png"));
    double sum = 0;
    for (int i = first; i < last; ++i) sum += mask.pixels[static_cast<std::size_t>(3 * i)];
    return sum / (last - first);
  };
  EXPECT_GT(mean("happiness", 0, 200), mean("happiness", 200, 400) + 100);
  EXPECT_GT(mean("sadness", 200, 400), mean("sadness", 0, 200) + 100);
  EXPECT_EQ(mean("neutral", 0, 400), 0);
  for (ManifestRow& row : rows)
    if (row.label == "neutral") row.label = "anger";
  write_manifest(file("data"), rows);
  const auto refused = train(command);
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(contains(refused.err, "neutral")) << refused.err;
  EXPECT_NE(train({"masks", file("data"), "-o", file("means"), "--class-means", "--from", file("masks")}).status, 0);
}

}  // namespace
}  // namespace fmpn::train
