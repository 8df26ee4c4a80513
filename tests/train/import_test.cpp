// fmpn-train import and export: the published checkpoints in, Python's programs out, the same answers everywhere.

#include <cstring>
#include <filesystem>

#include <fmpn/model_info.h>

#include "python_checkpoints.h"
#include "runtime/safetensors.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kSide = 75;

class Import : public TrainProgram {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<test::TemporaryFolder>();
    write_image(made("face.png"), noise(kSide, 3).view());
    outcome_ = test::run_checkpoints("make", made_->path().string(), made("face.png"));
    if (outcome_.status != 0 || std::getenv("FMPN_TRAIN") == nullptr) return;
    imported_ = train(import_arguments());
    if (imported_.status == 0) answers_ = json::parse(test::read_text(made("answers.json")));
  }
  static void TearDownTestSuite() { made_.reset(); }
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    if (outcome_.status == 77 || outcome_.status == 127)
      GTEST_SKIP() << "python3-torch or python3-torchvision is not installed: " << outcome_.out;
    ASSERT_EQ(outcome_.status, 0) << outcome_.err;
    ASSERT_EQ(imported_.status, 0) << imported_.err;
  }
  static std::string made(const std::string& name) { return made_->file(name); }

  static std::vector<std::string> import_arguments(const std::string& classes = "anger,contempt,disgust,fear,happiness,sadness,surprise") {
    return {"import",
            "--resface",
            made("1_net_resface.pth"),
            "--fusion",
            made("1_net_fusion.pth"),
            "--cls",
            made("1_net_cls.pth"),
            "--cn",
            "inception_v3",
            "--input-size",
            std::to_string(kSide),
            "--classes",
            classes,
            "-o",
            made("m.safetensors")};
  }

  static void expect_near(const json& ours, const json& theirs) {
    ASSERT_EQ(ours.size(), theirs.size());
    double largest = 1;
    for (const auto& value : theirs) largest = std::max(largest, std::abs(value.get<double>()));
    for (std::size_t i = 0; i < theirs.size(); ++i) ASSERT_NEAR(ours[i].get<double>(), theirs[i].get<double>(), 1e-5 * largest) << i;
  }

  void refused(std::vector<std::string> arguments, const std::vector<std::string>& parts) const {
    arguments.back() = file("none.safetensors");
    const auto outcome = train(arguments);
    EXPECT_EQ(outcome.status, 1);
    for (const auto& part : parts) EXPECT_TRUE(contains(outcome.err, part)) << "'" << part << "' is not in: " << outcome.err;
    EXPECT_FALSE(fs::exists(file("none.safetensors")));
  }

  static inline std::unique_ptr<test::TemporaryFolder> made_;
  static inline test::Outcome outcome_, imported_;
  static inline json answers_;
};

TEST_F(Import, ThePublishedCheckpointsAnswerAsTheyDoInPython) {
  const auto outcome = train(
      {"predict", made("m.safetensors"), made("face.png"), "--aligned", "--json", "--precision", "fp32", "--dump-mask", file("m.npy")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  expect_near(json_lines(outcome.out).at(0)["faces"][0]["logits"], answers_["logits"]);
  const std::string raw = test::read_text(file("m.npy"));
  ASSERT_GT(raw.size(), kSide * kSide * sizeof(float));
  std::vector<float> mask(kSide * kSide);
  std::memcpy(mask.data(), raw.data() + raw.size() - mask.size() * sizeof(float), mask.size() * sizeof(float));
  expect_near(mask, answers_["mask"]);
  const ModelInfo info = read_model_info(made("m.safetensors"));
  EXPECT_EQ(info.name, "m");
  EXPECT_EQ(info.fmg_width, 4);
  EXPECT_EQ(info.crop_size, 80) << "as 320 stands to 299";
  EXPECT_EQ(info.provenance.at("imported_from"), "1_net_resface.pth, 1_net_fusion.pth, 1_net_cls.pth");
  for (const auto& item : read_safetensors(made("m.safetensors")).tensors) EXPECT_FALSE(contains(item.first, "AuxLogits")) << item.first;
}

TEST_F(Import, ExportedItRunsInPython) {
  const std::string model = made("m.safetensors");
  for (const char* part : {"resface", "fusion", "cls"}) {
    const auto outcome = train({"export", model, "--part", part, "-o", file(std::string(part) + ".safetensors")});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  const auto exported = train({"export", model, "-o", file("script.pt")});
  ASSERT_EQ(exported.status, 0) << exported.err;
  const auto python = test::run_checkpoints("run", folder_.path().string(), made("face.png"));
  ASSERT_EQ(python.status, 0) << python.err;
  const json there = json::parse(python.out);
  expect_near(there["loaded"]["logits"], answers_["logits"]);
  expect_near(there["loaded"]["mask"], answers_["mask"]);
  expect_near(there["traced"]["logits"], answers_["logits"]);
  expect_near(there["traced"]["mask"], answers_["mask"]);
  EXPECT_EQ(json::parse(there["traced"]["about"]["classes"].get<std::string>()).size(), 7U);
  EXPECT_TRUE(contains(there["traced"]["parameters"].dump(), "\"cls.Mixed_7c.branch_pool.bn.weight\""));
}

TEST_F(Import, ExportOfEverythingAndImportAgain) {
  ASSERT_EQ(train({"export", made("m.safetensors"), "-o", file("all.safetensors")}).status, 0);
  const SafeTensors all = read_safetensors(file("all.safetensors")), model = read_safetensors(made("m.safetensors"));
  ASSERT_EQ(all.tensors.size(), model.tensors.size());
  for (const auto& [key, tensor] : model.tensors) EXPECT_EQ(tensor.bytes, all.tensors.at(key).bytes) << key;
}

TEST_F(Import, WhatDoesNotFitIsNamed) {
  refused(import_arguments("anger,fear"), {"1_net_cls.pth", "cls.fc.", "shape"});
  refused(import_arguments("anger,anger,a,b,c,d,e"), {"--classes", "'anger'"});
  auto swapped = import_arguments();
  std::swap(swapped[2], swapped[6]);
  refused(swapped, {"1_net_cls.pth", "no mask generator"});
  auto other = import_arguments();
  other[8] = "resnet50";
  refused(other, {"cls.layer4.2.conv2.weight", "missing"});
  auto alone = import_arguments();
  alone.erase(alone.begin() + 1, alone.begin() + 3);
  refused(alone, {"--resface and --fusion"});
  auto side = import_arguments();
  side[10] = "74";
  refused(side, {"input size 74"});
}

TEST_F(Import, TheClassificationNetAlone) {
  std::vector<std::string> arguments = import_arguments();
  arguments.erase(arguments.begin() + 1, arguments.begin() + 5);
  arguments.back() = file("baseline.safetensors");
  const auto outcome = train(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(read_model_info(file("baseline.safetensors")).uses_masks);
  const auto script = train({"export", file("baseline.safetensors"), "-o", file("baseline.pt")});
  EXPECT_EQ(script.status, 0) << script.err;
  EXPECT_EQ(train({"export", file("baseline.safetensors"), "--part", "fusion", "-o", file("none.safetensors")}).status, 1);
}

class Export : public TrainProgram {};

TEST_F(Export, FaultsEndWithAStatusAndLeaveNothing) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& part) {
    const auto outcome = train(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  };
  refused({"export", model_, "-o", file("m.onnx")}, "m.onnx");
  refused({"export", file("missing"), "-o", file("m.pt")}, "missing");
  refused({"export", model_, "-o", file("none/m.pt")}, "none/m.pt");
  refused({"export", model_, "--part", "cls", "-o", file("m.pt")}, "--part");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

}  // namespace
}  // namespace fmpn::train
