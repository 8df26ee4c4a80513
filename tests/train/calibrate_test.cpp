// fmpn-train calibrate: another temperature and threshold, the same weights.

#include <filesystem>

#include <fmpn/engine.h>

#include "calibration.h"
#include "manifest.h"
#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Calibrate : public TrainProgram {
 protected:
  /// Crops of noise, 60 in each of train and valid; the first ten of valid stand in train too.
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    fs::create_directories(file("data"));
    const std::vector<std::string> labels{"happiness", "sadness", "anger"};
    std::vector<ManifestRow> rows;
    for (int i = 0; i < 120; ++i) {
      const std::string name = std::to_string(i) + ".png";
      write_image(file("data/" + name), noise(52, static_cast<unsigned>(i >= 60 && i < 70 ? i - 60 : i)).view());
      rows.push_back({name, "", labels[static_cast<std::size_t>(i) % 3], "", "", "", "", i < 60 ? "train" : "valid", "", true});
    }
    write_manifest(file("data"), rows);
  }
};

TEST_F(Calibrate, FitsToThePicturesThatWereNotTrainedOn) {
  const auto outcome = train({"calibrate", model_, file("data"), "--split", "valid", "--without-duplicates-of", "train", "--precision", "fp32",
                              "--answered-accuracy", "0.4", "-o", file("new.safetensors")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "50 pictures, 10 left out that stand in 'train' too")) << outcome.out;

  EngineOptions single;
  single.precision = Precision::kFp32;
  const auto engine = Engine::load(model_, single);
  ModelInfo expected = engine->info();
  LabelledLogits said;
  for (const ManifestRow& row : read_manifest(file("data"))) {
    if (std::stoi(row.path) < 70) continue;
    const auto label = std::find(expected.classes.begin(), expected.classes.end(), row.label) - expected.classes.begin();
    said.add(engine->classify({read_image(file("data/" + row.path)).view()}).front().logits, static_cast<std::size_t>(label));
  }
  calibrate(expected, said, 0.4);
  const ModelInfo given = read_model_info(file("new.safetensors"));
  EXPECT_NEAR(given.temperature, expected.temperature, 1e-3);
  EXPECT_NEAR(given.min_confidence, expected.min_confidence, 0.0101);
  EXPECT_NE(given.temperature, engine->info().temperature) << "the test can't tell";
  EXPECT_EQ(given.provenance.at("calibration_images"), "50");

  auto old_file = read_safetensors(model_), new_file = read_safetensors(file("new.safetensors"));
  ASSERT_EQ(old_file.tensors.size(), new_file.tensors.size());
  for (const auto& [name, tensor] : old_file.tensors) EXPECT_EQ(tensor.bytes, new_file.tensors.at(name).bytes) << name;
  for (const char* key : {"temperature", "min_confidence", "provenance.calibration_images"}) old_file.metadata.erase(key), new_file.metadata.erase(key);
  EXPECT_EQ(old_file.metadata, new_file.metadata);
  EXPECT_EQ(Engine::load(file("new.safetensors"))->info().temperature, given.temperature);
}

TEST_F(Calibrate, AFileCanBeReplaced) {
  fs::copy_file(model_, file("mine.safetensors"));
  ASSERT_EQ(train({"calibrate", file("mine.safetensors"), file("data"), "--split", "valid", "-o", file("mine.safetensors")}).status, 0);
  EXPECT_NE(read_model_info(file("mine.safetensors")).temperature, read_model_info(model_).temperature);
  EXPECT_EQ(train({"info", file("mine.safetensors")}).status, 0);
}

TEST_F(Calibrate, Faults) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& part) {
    arguments.insert(arguments.begin(), "calibrate");
    const auto outcome = train(arguments);
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
    EXPECT_FALSE(fs::exists(file("new.safetensors")));
  };
  const std::string out = file("new.safetensors");
  refused({model_, file("data")}, "--output is required");
  refused({model_, file("data"), "-o", out, "--split", "test"}, "'test'");
  refused({model_, file("data"), "-o", out, "--answered-accuracy", "80"}, "--answered-accuracy");
  refused({model_, file("nothing"), "-o", out}, file("nothing"));
  refused({model_, file("data"), "-o", file("no/folder.safetensors")}, "no/folder.safetensors");
}

}  // namespace
}  // namespace fmpn::train
