// train/bundled_model.sh on a few pictures: every run from the model of the one before, and again as if it had been stopped.

#include <filesystem>

#include <fmpn/model_info.h>

#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

using BundledModel = TrainProgram;

TEST_F(BundledModel, EveryCycleAndGoesOn) {
  ASSERT_NE(std::getenv("FMPN_SOURCE_ROOT"), nullptr);
  fs::create_directories(file("masks"));
  unsigned seed = 0;
  for (const char* label : {"anger", "happiness"}) {
    write_image(file(std::string("masks/") + label + ".png"), noise(10, ++seed).view());
    for (const char* split : {"train", "valid"}) {
      const std::string folder = file(std::string("fer2013/") + split + "/" + label);
      fs::create_directories(folder);
      for (int i = 0; i < 4; ++i) write_image(folder + "/" + std::to_string(i) + ".png", noise(48, ++seed).view());
    }
  }
  const std::vector<std::string> script{std::string(std::getenv("FMPN_SOURCE_ROOT")) + "/train/bundled_model.sh", file("fer2013"),
                                        file("masks"), file("out"), "--cn-width", "4", "--fmg-width", "2", "--phase1-epochs", "1",
                                        "--input-schedule", "24:1", "--constant", "1", "--epochs", "2", "--batch", "4", "--precision", "fp32",
                                        "--threads", "1"};
  const auto whole = test::run_program(script);
  ASSERT_EQ(whole.status, 0) << whole.err;
  EXPECT_TRUE(contains(whole.out, "first/last.safetensors:")) << "the second run does not say what it starts from\n" << whole.out;
  std::size_t starts = 0;
  const std::string start = "fmg/last.safetensors:";
  for (std::size_t at = whole.out.find(start); at != std::string::npos; at = whole.out.find(start, at + 1)) ++starts;
  EXPECT_EQ(starts, 3U) << "first, third and fifth start from FMG's own phase\n" << whole.out;
  EXPECT_FALSE(contains(test::read_text(file("out/first/metrics.csv")), "\n1,"));
  EXPECT_TRUE(contains(whole.err, "teacher fmpn-fer2013 8/8")) << whole.err;
  const std::string model = file("out/fifth/last.safetensors");
  const auto weights = [](const std::string& path) { return read_safetensors(path).tensors.at("cls.fc.weight").bytes; };
  const auto made = weights(model);
  EXPECT_EQ(read_model_info(model).classes.size(), 2U);
  for (const char* run : {"first", "second", "third", "fourth"}) EXPECT_NE(made, weights(file(std::string("out/") + run + "/last.safetensors")));
  // Stopped before the second run had begun: it is made again, and what follows; the first is not.
  fs::remove_all(file("out/second"));
  fs::remove_all(file("out/third"));
  fs::remove_all(file("out/fourth"));
  fs::remove_all(file("out/fifth"));
  const auto first = fs::last_write_time(file("out/first/checkpoint.pt"));
  const auto again = test::run_program(script);
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(fs::last_write_time(file("out/first/checkpoint.pt")), first);
  EXPECT_EQ(weights(model), made);
  // Stopped at its end: what it had started from is not asked for again.
  fs::remove(model);
  const auto rest = test::run_program(script);
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(weights(model), made);
  EXPECT_EQ(test::run_program({script.front()}).status, 2);
}

}  // namespace
}  // namespace fmpn::train
