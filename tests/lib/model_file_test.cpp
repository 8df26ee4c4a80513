#include "runtime/model_file.h"

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "runtime/safetensors.h"

#include "expect_error.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace fmpn {
namespace {

using test::expect_error;
constexpr char kFirst[] = "resface.feature_extractor.0.weight";

class ModelFile : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const test::TemporaryFolder folder;
    test::write_tiny_model(folder.file("tiny"));
    tiny_ = read_safetensors(folder.file("tiny"));
  }

  /// A copy of the tiny model with something changed must not load.
  template <typename Change>
  void refused(const std::vector<std::string>& parts, const Change& change) {
    SafeTensors content = tiny_;
    change(content);
    write_safetensors(path_, content);
    auto all = parts;
    all.push_back(path_);
    expect_error(ErrorCode::kBadFormat, all, [&] { load_model(path_); });
  }
  void refused_metadata(const std::string& key, const std::string& value) {
    SCOPED_TRACE(key + " = " + value);
    refused({key}, [&](SafeTensors& c) { c.metadata[key] = value; });
    expect_error(ErrorCode::kBadFormat, {path_, key}, [&] { read_model_info(path_); });
  }

  static inline SafeTensors tiny_;
  test::TemporaryFolder folder_;
  std::string path_ = folder_.file("model.safetensors");
};

TEST_F(ModelFile, RoundTripOfTheMetadata) {
  ModelInfo info = test::tiny_model_info();
  info.name = "a \"name\", gefühlt";
  info.classes = {"sadness", "neutral", "anger"};  // an order of its own
  info.color = "gray";
  info.temperature = 1.2345678901234567;
  info.min_confidence = 0.4321;
  info.provenance = {{"data", "FER2013"}, {"protocol", "line one\nline two"}};
  FmpnNet net(info);
  save_model(path_, info, *net, false);
  const ModelInfo back = read_model_info(path_);
  EXPECT_EQ(back.name, info.name);
  EXPECT_EQ(back.classes, info.classes);
  EXPECT_EQ(back.temperature, info.temperature);
  EXPECT_EQ(back.min_confidence, info.min_confidence);
  EXPECT_EQ(back.provenance, info.provenance);
  EXPECT_EQ(back.color, "gray");
  EXPECT_EQ(back.cn, "resnet18");
  EXPECT_EQ(back.cn_stem, "small");
  EXPECT_EQ(back.cn_width, 4);
  EXPECT_EQ(back.fmg_width, 2);
  EXPECT_EQ(back.input_size, 48);
  EXPECT_EQ(back.crop_size, 52);
  EXPECT_TRUE(back.uses_masks);
  EXPECT_EQ(load_model(path_).info.classes, info.classes);
}

TEST_F(ModelFile, RoundTripOfTheWeights) {
  torch::manual_seed(1);
  const ModelInfo info = test::tiny_model_info();
  FmpnNet net(info);
  net->named_buffers()["cls.bn1.running_var"].fill_(0.7);
  const auto difference = [&](bool half) {
    save_model(path_, info, *net, half);
    const LoadedModel model = load_model(path_);
    EXPECT_FALSE(model.net->is_training());
    double worst = 0;
    for (const auto& item : net->named_parameters())
      worst = std::max(worst, (item.value() - model.net->named_parameters()[item.key()]).abs().max().item<double>());
    EXPECT_NEAR(model.net->named_buffers()["cls.bn1.running_var"][0].item<double>(), 0.7, 1e-3);
    return worst;
  };
  EXPECT_EQ(difference(false), 0);
  EXPECT_LT(difference(true), 1e-3);
  EXPECT_EQ(read_safetensors(path_).tensors.at(kFirst).dtype, "F16");
}

TEST_F(ModelFile, LoadingDrawsNothingAtRandom) {
  test::write_tiny_model(path_);
  const auto next = [&](bool load) {
    torch::manual_seed(5);
    if (load) load_model(path_);
    return torch::rand({1}).item<float>();
  };
  EXPECT_EQ(next(true), next(false)) << "the weights come from the file";
}

TEST_F(ModelFile, TheTinyModelIsAlwaysTheSame) {
  test::write_tiny_model(folder_.file("a"));
  test::write_tiny_model(folder_.file("b"));
  EXPECT_EQ(test::read_text(folder_.file("a")), test::read_text(folder_.file("b")));
}

TEST_F(ModelFile, TensorsThatDoNotFitTheArchitecture) {
  refused({kFirst, "missing"}, [](SafeTensors& c) { c.tensors.erase(kFirst); });
  refused({"cls.fc.bias", "missing"}, [](SafeTensors& c) { c.tensors.erase("cls.fc.bias"); });
  refused({"cls.bn1.running_var", "missing"}, [](SafeTensors& c) { c.tensors.erase("cls.bn1.running_var"); });
  refused({"stranger", "does not belong"}, [](SafeTensors& c) { c.tensors["stranger"] = {"F32", {1}, {0, 0, 0, 0}}; });
  refused({kFirst, "U8"}, [](SafeTensors& c) { c.tensors[kFirst] = {"U8", {2, 1, 7, 7}, std::vector<std::uint8_t>(98)}; });
  refused({kFirst, "F64"}, [](SafeTensors& c) { c.tensors[kFirst] = {"F64", {2, 1, 7, 7}, std::vector<std::uint8_t>(98 * 8)}; });
  refused({kFirst, "shape"}, [](SafeTensors& c) { c.tensors[kFirst].shape = {1, 2, 7, 7}; });
  refused({"cls.fc.weight", "shape"}, [](SafeTensors& c) { c.tensors["cls.fc.weight"].shape = {32, 7}; });
  refused({kFirst, "finite"}, [](SafeTensors& c) {
    c.tensors[kFirst].bytes[2] = 0x80, c.tensors[kFirst].bytes[3] = 0x7f;  // the high half of +infinity
  });
  refused({"cls.bn1.running_var", "below 0"}, [](SafeTensors& c) { c.tensors["cls.bn1.running_var"].bytes[3] |= 0x80; });  // the sign
  SafeTensors content = tiny_;
  content.tensors["cls.fc.bias"].bytes.resize(1 << 20);
  expect_error(ErrorCode::kBadFormat, {"memory", "cls.fc.bias"}, [&] { load_model("memory", content); });
}

TEST_F(ModelFile, WhatIsTooLargeForHalfPrecisionStaysInSingle) {
  const ModelInfo info = test::tiny_model_info();
  FmpnNet net(info);
  net->named_buffers()["cls.bn1.running_var"].fill_(1e5);
  save_model(path_, info, *net, /*half=*/true);
  EXPECT_EQ(read_safetensors(path_).tensors.at("cls.bn1.running_var").dtype, "F32");
  EXPECT_EQ(read_safetensors(path_).tensors.at("cls.fc.weight").dtype, "F16");
  EXPECT_EQ(load_model(path_).net->named_buffers()["cls.bn1.running_var"][0].item<float>(), 1e5F);
}

TEST_F(ModelFile, WhatCouldNotBeReadAgainIsNotWritten) {
  const auto refused = [&](const std::string& key, void (*change)(ModelInfo&)) {
    ModelInfo info = test::tiny_model_info();
    FmpnNet net(info);
    change(info);
    expect_error(ErrorCode::kBadSetting, {key}, [&] { save_model(path_, info, *net, false); });
    EXPECT_FALSE(std::filesystem::exists(path_));
  };
  refused("classes", [](ModelInfo& info) { info.classes[0] = "caf\xe9"; });
  refused("classes", [](ModelInfo& info) { info.classes[0] = ""; });
  refused("classes", [](ModelInfo& info) { info.classes[0] = "two\nlines"; });
  refused("temperature", [](ModelInfo& info) { info.temperature = NAN; });
}

TEST_F(ModelFile, MetadataOutOfRangeNamesTheKey) {
  for (const char* key : {"format_version", "name", "uses_masks", "fmg_width", "cn", "cn_width", "cn_stem", "input_size", "crop_size",
                          "color", "temperature", "min_confidence", "classes", "crop_template"})
    refused({key}, [&](SafeTensors& c) { c.metadata.erase(key); });
  refused({"metadata"}, [](SafeTensors& c) { c.metadata.clear(); });
  refused({"format 2"}, [](SafeTensors& c) { c.metadata["format_version"] = "2"; });
  for (const char* value : {"0", "-1", "1.5", "1e9", "two", "", "\"2\"", "[2]", "nan"}) refused_metadata("fmg_width", value);
  for (const char* value : {"0", "-1", "1e9", "x", "null"}) refused_metadata("temperature", value);
  for (const char* value : {"-0.1", "1.1", "x"}) refused_metadata("min_confidence", value);
  for (const char* value : {"2", "-1", "yes"}) refused_metadata("uses_masks", value);
  for (const char* value : {"7", "1025", "x"}) refused_metadata("input_size", value);
  for (const char* value : {"47", "100000"}) refused_metadata("crop_size", value);
  for (const char* value : {"blue", ""}) refused_metadata("color", value);
  for (const char* value : {"", "{}", "[]", "[\"anger\"]", "[1,2]", "[\"anger\",\"anger\"]", "[\"anger\",\"\"]", "[\"a\",\"b\\u0000\"]",
                            "[\"anger\","})
    refused_metadata("classes", value);
  for (const char* value :
       {"[]", "[[0,0],[0,0],[0,0],[0,0]]", "[[0],[0],[0],[0],[0]]", "[[0.3,0.27],[0.735,0.27],[0.5,0.535],[0.315,0.745],[0.695,0.745]]"})
    refused_metadata("crop_template", value);
}

TEST_F(ModelFile, ArchitecturesThatCannotBeBuilt) {
  refused({"vgg99"}, [](SafeTensors& c) { c.metadata["cn"] = "vgg99"; });
  refused({"stem"}, [](SafeTensors& c) { c.metadata["cn_stem"] = "large"; });
  refused({"input size 49"}, [](SafeTensors& c) { c.metadata["input_size"] = "49"; });
}

// A small file must not be able to ask for gigabytes by claiming a wide architecture.
TEST_F(ModelFile, WidthsThatTheTensorsDoNotHaveAreRefusedBeforeAllocation) {
  // A check after the network was built would name the first tensor in the file that does not fit.
  refused({"resface.feature_extractor.9.conv_block.0.weight", "shape"}, [](SafeTensors& c) { c.metadata["fmg_width"] = "1024"; });
  refused({"cls." + width_probe("resnet18", 512).name, "shape"}, [](SafeTensors& c) { c.metadata["cn_width"] = "512"; });
  for (const std::string& cn : classification_nets())
    if (cn != "inception_v3" && cn != "resnet18")
      refused({"cls." + width_probe(cn, 512).name},
              [&](SafeTensors& c) { c.metadata["cn"] = cn, c.metadata["cn_width"] = "512", c.metadata["cn_stem"] = "imagenet"; });
}

TEST_F(ModelFile, FilesThatAreNone) {
  expect_error(ErrorCode::kNotFound, {path_}, [&] { load_model(path_); });
  expect_error(ErrorCode::kNotFound, {path_}, [&] { read_model_info(path_); });
  test::write_text(path_, "not a model");
  expect_error(ErrorCode::kBadFormat, {path_}, [&] { load_model(path_); });
  expect_error(ErrorCode::kBadFormat, {path_}, [&] { read_model_info(path_); });
}

}  // namespace
}  // namespace fmpn
