// fmpn-train predict: one line a picture, whatever becomes of the others.

#include <cstring>
#include <filesystem>

#include <fmpn/aligner.h>
#include <fmpn/engine.h>

#include "photograph.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Predict : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    if (!fs::exists(test::photograph_path()) || !fs::exists(default_landmark_model()))
      GTEST_SKIP() << "no photograph or no landmark model installed";
  }
};

TEST_F(Predict, OneJsonObjectALine) {
  write_image(file("wall.png"), noise(60, 1).view());
  const auto outcome = train({"predict", model_, test::photograph_path(), file("wall.png"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["image"], test::photograph_path());
  EXPECT_EQ(lines[1]["faces"].size(), 0U);
  ASSERT_EQ(lines[0]["faces"].size(), 1U);
  const auto& face = lines[0]["faces"][0];
  // The same face and the same answer as the library gives.
  const auto engine = Engine::load(model_);
  AlignerOptions options;
  options.crop_size = engine->info().crop_size;
  const auto found = Aligner(options).find(read_image(test::photograph_path()).view());
  ASSERT_EQ(found.size(), 1U);
  const Expression e = engine->classify({found[0].crop.view()})[0];
  EXPECT_EQ(face["label"], engine->info().classes[static_cast<std::size_t>(e.label_id)]);
  EXPECT_FLOAT_EQ(face["box"][0].get<float>(), found[0].box.x);
  EXPECT_FLOAT_EQ(face["landmarks"][2][1].get<float>(), found[0].landmarks[2].y);
  double sum = 0;
  ASSERT_EQ(face["distribution"].size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    const double p = face["distribution"][engine->info().classes[i]];
    EXPECT_NEAR(p, e.probabilities[i], 1e-5);
    EXPECT_NEAR(face["logits"][i].get<double>(), e.logits[i], 1e-3);
    sum += p;
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(face["uncertain"], false);
}

// A full disk, which /dev/full stands in for.
TEST_F(Predict, OutputThatCannotBeWrittenIsNoSuccess) {
  const auto into_full = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> full{"/bin/bash", "-c", "exec \"$@\" > /dev/full", "full"};
    for (const std::string& word : command(arguments)) full.push_back(word);
    return test::run_program(full);
  };
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"predict", model_, test::photograph_path(), "--json"}, {"info", model_}, {"--help"}}) {
    const auto outcome = into_full(arguments);
    EXPECT_EQ(outcome.status, 1) << arguments[0] << ": " << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "fmpn-train: standard output: cannot be written\n")) << arguments[0] << ": " << outcome.err;
  }
}

TEST_F(Predict, ABrokenPictureDoesNotSpoilTheOthers) {
  test::write_text(file("text.jpg"), "a text file in the place of a picture");
  const std::string photo = test::photograph_path();
  const auto outcome = train({"predict", model_, photo, file("text.jpg"), file("none.jpg"), photo, "--json"});
  EXPECT_NE(outcome.status, 0);
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["faces"].size(), 1U);
  EXPECT_TRUE(contains(lines[1]["error"].get<std::string>(), "not a readable picture"));
  EXPECT_TRUE(contains(lines[2]["error"].get<std::string>(), "no such file"));
  EXPECT_EQ(lines[3]["faces"], lines[0]["faces"]);
  EXPECT_TRUE(contains(outcome.err, file("text.jpg"))) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, file("none.jpg"))) << outcome.err;
  const auto text = train({"predict", model_, file("text.jpg"), photo});
  EXPECT_NE(text.status, 0);
  EXPECT_TRUE(contains(text.out, photo + ": 1 face")) << text.out;
}

TEST_F(Predict, ANameOfAnyBytesHasItsLineToo) {
  fs::copy_file(test::photograph_path(), file("od\xff.jpg"));
  const auto outcome = train({"predict", model_, file("od\xff.jpg"), file("no\xff.jpg"), "--json"});
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 2U) << outcome.err;
  EXPECT_EQ(lines[0].at("image"), file("od\xEF\xBF\xBD.jpg")) << "U+FFFD in place of what is no UTF-8";
  EXPECT_EQ(lines[0].at("faces").size(), 1U);
  EXPECT_TRUE(lines[1].contains("error"));
}

TEST_F(Predict, AlignedCropsAreTakenAsTheyAre) {
  write_image(file("crop.png"), noise(52, 5).view());
  write_image(file("odd.png"), noise(51, 5).view());
  const auto outcome = train({"predict", model_, file("crop.png"), "--aligned", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto face = json_lines(outcome.out).at(0)["faces"][0];
  EXPECT_TRUE(face["box"].is_null());
  const Expression e = Engine::load(model_)->classify({noise(52, 5).view()})[0];
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(face["logits"][i].get<double>(), e.logits[i], 1e-3);
  const auto odd = train({"predict", model_, file("odd.png"), "--aligned"});
  EXPECT_NE(odd.status, 0);
  EXPECT_TRUE(contains(odd.err, file("odd.png"))) << odd.err;
  EXPECT_TRUE(contains(odd.err, "51")) << odd.err;
}

TEST_F(Predict, TheMaskAsPictureAndAsNumbers) {
  write_image(file("crop.png"), noise(52, 5).view());
  ASSERT_EQ(train({"predict", model_, file("crop.png"), "--aligned", "--dump-mask", file("mask.png")}).status, 0);
  ASSERT_EQ(train({"predict", model_, file("crop.png"), "--aligned", "--dump-mask", file("mask.npy")}).status, 0);
  const MotionMask mask = Engine::load(model_)->generate_masks({noise(52, 5).view()})[0];
  const Image picture = read_image(file("mask.png"));
  ASSERT_EQ(picture.width, 48);
  const std::string raw = test::read_text(file("mask.npy"));
  ASSERT_EQ(raw.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const std::size_t header = 10 + static_cast<unsigned char>(raw[8]) + 256U * static_cast<unsigned char>(raw[9]);
  EXPECT_EQ(header % 64, 0U);
  EXPECT_TRUE(contains(raw.substr(0, header), "'shape': (48, 48)"));
  ASSERT_EQ(raw.size(), header + 48 * 48 * sizeof(float));
  std::vector<float> values(48 * 48);
  std::memcpy(values.data(), raw.data() + header, values.size() * sizeof(float));
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], mask.values[i], 1e-5);
    ASSERT_NEAR(picture.pixels[3 * i] / 255.0, mask.values[i], 0.003);
  }
  write_image(file("wall.png"), noise(60, 1).view());
  EXPECT_NE(train({"predict", model_, file("wall.png"), "--dump-mask", file("none.png")}).status, 0) << "no face, no mask";
  EXPECT_NE(train({"predict", model_, file("crop.png"), "--aligned", "--dump-mask", file("mask.png") + "/x.npy"}).status, 0);
}

}  // namespace
}  // namespace fmpn::train
