#include <fmpn/engine.h>

#include <chrono>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include "environment.h"
#include "expect_error.h"
#include "runtime/engines.h"
#include "runtime/model_file.h"
#include "runtime/safetensors.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace fmpn {
namespace {

using test::expect_error;

Image noise(int side, unsigned seed, PixelFormat format = PixelFormat::kRgb8) {
  Image image;
  image.width = image.height = side;
  image.format = format;
  std::mt19937 generator(seed);
  for (int i = 0; i < side * side * channels(format); ++i) image.pixels.push_back(static_cast<std::uint8_t>(generator() & 0xff));
  return image;
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

class EngineTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const ModelInfo& info = test::tiny_model_info()) {
    test::write_tiny_model(folder_.file(name), info);
    return folder_.file(name);
  }
  test::TemporaryFolder folder_;
  std::vector<Image> images_{noise(52, 1), noise(52, 2), noise(52, 3)};
  std::vector<ImageView> crops_{images_[0].view(), images_[1].view(), images_[2].view()};
};

TEST_F(EngineTest, ProbabilitiesMaskAndLabelOfEachCrop) {
  const auto engine = Engine::load(write("m"));
  const auto results = engine->classify(crops_);
  ASSERT_EQ(results.size(), 3U);
  for (const Expression& e : results) {
    ASSERT_EQ(e.probabilities.size(), 7U);
    ASSERT_EQ(e.logits.size(), 7U);
    EXPECT_NEAR(std::accumulate(e.probabilities.begin(), e.probabilities.end(), 0.0), 1, 1e-5);
    EXPECT_EQ(e.label_id, std::max_element(e.logits.begin(), e.logits.end()) - e.logits.begin());
    EXPECT_EQ(e.mask.side, 48);
    ASSERT_EQ(e.mask.values.size(), 48U * 48);
    for (const float v : e.mask.values) ASSERT_TRUE(v >= 0 && v <= 1);
  }
  EXPECT_GT(largest_difference(results[0].logits, results[1].logits), 1e-3F) << "the tiny model does not look at its input";
}

TEST_F(EngineTest, ABatchIsItsCropsOneByOne) {
  const auto engine = Engine::load(write("m"));
  const auto batch = engine->classify(crops_);
  for (std::size_t i = 0; i < crops_.size(); ++i) {
    const auto one = engine->classify({crops_[i]});
    EXPECT_LT(largest_difference(one[0].logits, batch[i].logits), 1e-4F);
  }
  EXPECT_TRUE(engine->classify({}).empty());
  EXPECT_TRUE(engine->generate_masks({}).empty());
}

TEST_F(EngineTest, MasksFirstThenClassifyIsClassify) {
  const auto engine = Engine::load(write("m"));
  const auto at_once = engine->classify(crops_);
  const auto masks = engine->generate_masks(crops_);
  const auto in_two = engine->classify(crops_, masks);
  ASSERT_EQ(masks.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_LT(largest_difference(masks[i].values, at_once[i].mask.values), 1e-6F);
    EXPECT_LT(largest_difference(in_two[i].probabilities, at_once[i].probabilities), 1e-6F);
    EXPECT_EQ(in_two[i].mask.values, masks[i].values);
  }
  std::vector<MotionMask> black(3, {std::vector<float>(48 * 48, 0), 48});
  EXPECT_GT(largest_difference(engine->classify(crops_, black)[0].logits, at_once[0].logits), 1e-4F) << "given masks are not used";
}

TEST_F(EngineTest, TheCentreOfTheCropIsTheInput) {
  const auto engine = Engine::load(write("m"));
  Image centre;
  centre.width = centre.height = 48;
  for (int y = 2; y < 50; ++y)
    centre.pixels.insert(centre.pixels.end(), images_[0].pixels.begin() + 3 * (52 * y + 2), images_[0].pixels.begin() + 3 * (52 * y + 50));
  EXPECT_EQ(engine->classify({centre.view()})[0].logits, engine->classify({crops_[0]})[0].logits);
  // Rows with padding between them are the same picture.
  const ImageView inside{images_[0].pixels.data() + 3 * (52 * 2 + 2), 48, 48, 3 * 52, PixelFormat::kRgb8};
  EXPECT_EQ(engine->classify({inside})[0].logits, engine->classify({crops_[0]})[0].logits);
}

TEST_F(EngineTest, WrongSizesAreRefused) {
  const auto engine = Engine::load(write("m"));
  for (const int side : {1, 47, 51, 53, 104}) {
    const Image crop = noise(side, 4);
    expect_error(ErrorCode::kBadSetting, {std::to_string(side), "52"}, [&] { engine->classify({crop.view()}); });
    expect_error(ErrorCode::kBadSetting, {std::to_string(side)}, [&] { engine->generate_masks({crops_[0], crop.view()}); });
  }
  ImageView oblong = crops_[0];
  oblong.height = 48;
  expect_error(ErrorCode::kBadSetting, {"52×48"}, [&] { engine->classify({oblong}); });
  ImageView nothing = crops_[0];
  nothing.data = nullptr;
  expect_error(ErrorCode::kBadSetting, {}, [&] { engine->classify({nothing}); });
  expect_error(ErrorCode::kBadSetting, {"mask"}, [&] { engine->classify(crops_, std::vector<MotionMask>(2)); });
  expect_error(ErrorCode::kBadSetting, {"mask", "48"}, [&] { engine->classify({crops_[0]}, {{std::vector<float>(52 * 52), 52}}); });
  expect_error(ErrorCode::kBadSetting, {"mask"}, [&] { engine->classify({crops_[0]}, {{std::vector<float>(3), 48}}); });
}

TEST_F(EngineTest, TemperatureDividesTheLogits) {
  ModelInfo warm = test::tiny_model_info();
  warm.temperature = 2.5;
  const Expression plain = Engine::load(write("m"))->classify({crops_[0]})[0];
  const Expression e = Engine::load(write("warm", warm))->classify({crops_[0]})[0];
  EXPECT_EQ(e.logits, plain.logits);
  double sum = 0;
  for (const float logit : e.logits) sum += std::exp(logit / 2.5);
  for (std::size_t i = 0; i < e.logits.size(); ++i) EXPECT_NEAR(e.probabilities[i], std::exp(e.logits[i] / 2.5) / sum, 1e-5);
  EXPECT_GT(largest_difference(e.probabilities, plain.probabilities), 1e-4F);
}

TEST_F(EngineTest, AGrayModelSeesTheLumaAlone) {
  ModelInfo info = test::tiny_model_info();
  info.color = "gray";
  const auto engine = Engine::load(write("gray", info));
  Image luma = images_[0];
  for (std::size_t i = 0; i < luma.pixels.size(); i += 3) {
    // OpenCV's 8-bit luma: weights in 15 binary places, rounded.
    const int y = (9798 * luma.pixels[i] + 19235 * luma.pixels[i + 1] + 3735 * luma.pixels[i + 2] + (1 << 14)) >> 15;
    luma.pixels[i] = luma.pixels[i + 1] = luma.pixels[i + 2] = static_cast<std::uint8_t>(y);
  }
  EXPECT_EQ(engine->classify({luma.view()})[0].logits, engine->classify({crops_[0]})[0].logits);
  const Image gray = noise(52, 9, PixelFormat::kGray8);
  EXPECT_EQ(engine->classify({gray.view()}).size(), 1U);
}

TEST_F(EngineTest, TheBaselineHasNoMasks) {
  ModelInfo info = test::tiny_model_info();
  info.uses_masks = false;
  const auto engine = Engine::load(write("baseline", info));
  EXPECT_TRUE(engine->classify({crops_[0]})[0].mask.empty());
  expect_error(ErrorCode::kBadSetting, {"mask"}, [&] { engine->generate_masks({crops_[0]}); });
}

TEST_F(EngineTest, AFileIsLoadedOnceAsLongAsSomebodyHoldsIt) {
  const std::string path = write("m");
  const auto first = Engine::load(path);
  EXPECT_EQ(Engine::load(path), first);
  EXPECT_NE(Engine::load(path, {"cpu", Precision::kFp32, 1}), first);
  // What it comes to counts, not how it is named.
  EXPECT_EQ(Engine::load(path, {"cpu", first->precision(), default_threads()}), first);
  std::filesystem::create_symlink(path, folder_.file("link"));
  EXPECT_EQ(Engine::load((folder_.path() / "." / "link").string()), first);
  // Another file in its place is another model.
  ModelInfo other = test::tiny_model_info();
  other.name = "another";
  write("m", other);
  const auto second = Engine::load(path);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->info().name, "another");
  EXPECT_EQ(first->info().name, "tiny");
}

TEST_F(EngineTest, OneEngineServesSeveralThreads) {
  const auto engine = Engine::load(write("m"));
  std::vector<Expression> expected;
  for (const ImageView& crop : crops_) expected.push_back(engine->classify({crop})[0]);
  // Batches of two sizes that no one has run before: their plans are made meanwhile, by whoever comes first.
  std::vector<std::vector<Expression>> results(6);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t)
    threads.emplace_back([&, t] {
      const std::vector<ImageView> mine(crops_.begin(), crops_.begin() + (t % 2 == 0 ? 2 : 3));
      for (int i = 0; i < 5; ++i) results[t] = engine->classify(mine);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < results.size(); ++t) {
    ASSERT_EQ(results[t].size(), t % 2 == 0 ? 2U : 3U);
    for (std::size_t i = 0; i < results[t].size(); ++i)
      EXPECT_LT(largest_difference(results[t][i].probabilities, expected[i].probabilities), 1e-5F) << t;
  }
}

// OpenMP's would wait for the thread that loaded for as long as it lives, and slow down the one that classifies.
TEST_F(EngineTest, LoadingLeavesNoHelpersWithItsThread) {
  const std::string path = write("m");
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  std::thread([&] {  // one that has had no helpers before
    const auto before = threads();
    const auto engine = Engine::load(path, {"cpu", Precision::kFp32, 2});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (threads() > before && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(threads(), before);
    engine->classify(crops_);
    EXPECT_EQ(threads(), before + 1) << "this one counts nothing";
  }).join();
}

TEST_F(EngineTest, HalfPrecisionIsNearAndSaysSo) {
  const std::string path = write("m");
  if (!cpu_has_bfloat16()) {
    expect_error(ErrorCode::kBadSetting, {"bf16"}, [&] { Engine::load(path, {"cpu", Precision::kBf16}); });
    GTEST_SKIP() << "this CPU has no bfloat16";
  }
  const auto exact = Engine::load(path), half = Engine::load(path, {"cpu", Precision::kBf16});
  EXPECT_EQ(half->precision(), Precision::kBf16);
  EXPECT_NE(exact->precision(), Precision::kAuto);
  const auto a = exact->classify(crops_), b = half->classify(crops_);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(largest_difference(a[i].mask.values, b[i].mask.values), 0) << "a narrow FMG stays exact";
    EXPECT_LT(largest_difference(a[i].probabilities, b[i].probabilities), 0.05F);
    EXPECT_NE(a[i].logits, b[i].logits) << "both are of one precision";
    EXPECT_NEAR(std::accumulate(b[i].probabilities.begin(), b[i].probabilities.end(), 0.0), 1, 1e-5);
  }
}

TEST_F(EngineTest, AutoTakesBfloat16WhereTheModelIsKnownToBearIt) {
  const auto precision_with = [&](const std::string& agreement, const std::string& difference) {
    ModelInfo info = test::tiny_model_info();
    if (!agreement.empty()) info.provenance["bf16_agreement"] = agreement;
    if (!difference.empty()) info.provenance["bf16_mask_difference"] = difference;
    return Engine::load(write("agreement" + agreement + "-" + difference, info))->precision();
  };
  EXPECT_EQ(precision_with("", ""), Precision::kFp32) << "nobody has looked";
  EXPECT_EQ(precision_with("0.996", ""), Precision::kFp32) << "nobody has looked at the masks";
  EXPECT_EQ(precision_with("0.9949", "0.01"), Precision::kFp32);
  EXPECT_EQ(precision_with("nonsense", "0.01"), Precision::kFp32);
  EXPECT_EQ(precision_with("0.996", "0.04"), Precision::kFp32);
  EXPECT_EQ(precision_with("0.996", "0.01"), cpu_has_bfloat16() ? Precision::kBf16 : Precision::kFp32);
}

TEST_F(EngineTest, AutoReadsItsNumbersInEveryLocale) {
  // One with a decimal comma, made here: machines differ in what they have.
  const std::string make = "localedef --no-archive -i de_DE -f UTF-8 '" + folder_.file("de_DE.UTF-8") + "'";
  if (std::system(make.c_str()) != 0) GTEST_SKIP() << "localedef has no de_DE (Debian: locales)";
  struct Locale {
    ~Locale() { std::setlocale(LC_NUMERIC, "C"); }
  } restored;
  test::Environment environment;
  environment.set("LOCPATH", folder_.path());
  ASSERT_NE(std::setlocale(LC_NUMERIC, "de_DE.UTF-8"), nullptr);
  ASSERT_EQ(std::strtod("0.5", nullptr), 0) << "the locale has a decimal point";
  ModelInfo good = test::tiny_model_info(), bad = good;
  good.provenance["bf16_agreement"] = "0.998885", good.provenance["bf16_mask_difference"] = "0.010000";
  bad.provenance["bf16_agreement"] = "1.000000", bad.provenance["bf16_mask_difference"] = "0.096700";
  const auto bears = Engine::load(write("good", good))->precision(), fails = Engine::load(write("bad", bad))->precision();
  EXPECT_EQ(bears, cpu_has_bfloat16() ? Precision::kBf16 : Precision::kFp32);
  EXPECT_EQ(fails, Precision::kFp32);
}

TEST_F(EngineTest, WhatCannotBeLoaded) {
  const std::string path = write("m");
  expect_error(ErrorCode::kNotFound, {folder_.file("none")}, [&] { Engine::load(folder_.file("none")); });
  expect_error(ErrorCode::kBadFormat, {folder_.path().string()}, [&] { Engine::load(folder_.path().string()); });
  test::write_text(folder_.file("text"), "not a model");
  expect_error(ErrorCode::kBadFormat, {folder_.file("text")}, [&] { Engine::load(folder_.file("text")); });
  for (const char* device : {"", "tpu", "cpu:x", "meta"})
    expect_error(ErrorCode::kBadSetting, {"device"}, [&] { Engine::load(path, {device}); });
  if (!torch::cuda::is_available()) expect_error(ErrorCode::kBadSetting, {"cuda"}, [&] { Engine::load(path, {"cuda"}); });
  for (const int threads : {-1, 100000})
    expect_error(ErrorCode::kBadSetting, {"threads", std::to_string(threads)},
                 [&] { Engine::load(path, {"cpu", Precision::kAuto, threads}); });
  expect_error(ErrorCode::kNotFound, {"no such"}, [&] { Engine::load(std::string(5000, 'x')); });
  ModelInfo small = test::tiny_model_info();
  small.cn = "vgg16", small.cn_width = 4, small.cn_stem = "imagenet", small.input_size = small.crop_size = 32;
  SafeTensors content = read_safetensors(write("vgg", small));
  content.metadata["input_size"] = content.metadata["crop_size"] = "16";
  write_safetensors(folder_.file("vgg"), content);
  expect_error(ErrorCode::kBadFormat, {folder_.file("vgg"), "input size 16"}, [&] { Engine::load(folder_.file("vgg")); });
}

TEST_F(EngineTest, WhatIsNoNumberIsNoAnswer) {
  SafeTensors content = read_safetensors(write("m"));
  // Finite, but their sums are not. The last layer's, since oneDNN's ReLU makes 0 of what is no number.
  int layers = 0;
  for (auto& [key, tensor] : content.tensors) {
    if (key.find("cls.fc.") != 0) continue;
    ++layers;
    const float huge = 3e38F;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += sizeof huge) std::memcpy(&tensor.bytes[i], &huge, sizeof huge);
  }
  ASSERT_EQ(layers, 2) << "weight and bias";
  content.metadata["name"] = "huge";
  write_safetensors(folder_.file("m"), content);
  const auto engine = Engine::load(folder_.file("m"), {"cpu", Precision::kFp32});
  expect_error(ErrorCode::kRuntime, {"huge", "finite"}, [&] { engine->classify(crops_); });
}

TEST_F(EngineTest, TheProgramsOwnDefaultTypeDoesNotReachIn) {
  const std::string path = write("m"), other = write("other");
  const auto engine = Engine::load(path, {"cpu", Precision::kFp32});
  const auto torch_engine = make_torch_engine(read_all(open_model(path)), torch::kCPU, Precision::kFp32);
  const auto expected = engine->classify(crops_);
  const struct Doubles {
    Doubles() { torch::set_default_dtype(caffe2::TypeMeta::Make<double>()); }
    ~Doubles() { torch::set_default_dtype(caffe2::TypeMeta::Make<float>()); }
  } doubles;
  expect_error(ErrorCode::kBadSetting, {"set_default_dtype"}, [&] { Engine::load(other); });
  const std::vector<ImageView> two{crops_[0], crops_[1]};  // a plan that is made now
  const auto given = engine->classify(two), by_torch = torch_engine->classify(two, engine->generate_masks(two));
  ASSERT_EQ(given.size(), 2U);
  EXPECT_LT(largest_difference(given[0].logits, expected[0].logits), 1e-4F);
  EXPECT_LT(largest_difference(by_torch[0].logits, expected[0].logits), 1e-4F);
}

TEST(Entropy, InBits) {
  EXPECT_FLOAT_EQ(entropy_bits({1, 0, 0}), 0);
  EXPECT_FLOAT_EQ(entropy_bits({0.25F, 0.25F, 0.25F, 0.25F}), 2);
  EXPECT_FLOAT_EQ(entropy_bits({0.5F, 0.25F, 0.25F}), 1.5F);
  EXPECT_TRUE(std::isnan(entropy_bits({NAN, 0.5F})));
}

}  // namespace
}  // namespace fmpn
