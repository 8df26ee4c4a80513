// fmpn-train evaluate: every picture counts.

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <random>

#include <fmpn/aligner.h>
#include <fmpn/engine.h>

#include "corruption.h"
#include "csv.h"
#include "manifest.h"
#include "photograph.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Evaluate : public TrainProgram {
 protected:
  /// Crops of noise whose labels are given round robin, one in five of them "not aligned".
  void prepared(int count) {
    fs::create_directories(file("data"));
    const std::vector<std::string> labels{"happiness", "sadness", "anger"};
    std::vector<ManifestRow> rows;
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i) + ".png";
      write_image(file("data/" + name), noise(52, static_cast<unsigned>(i)).view());
      rows.push_back({name, "", labels[static_cast<std::size_t>(i) % 3], "", "", "", "", i % 2 == 0 ? "train" : "valid", "", i % 5 != 0});
    }
    write_manifest(file("data"), rows);
  }
  nlohmann::json evaluated(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"evaluate", model_, file("data"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = train(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  }
};

TEST_F(Evaluate, CountsEveryPictureAndAgreesWithTheEngine) {
  prepared(70);  // more than one batch
  const auto out = evaluated();
  const auto engine = Engine::load(model_);
  const auto& classes = engine->info().classes;
  std::vector<std::vector<long>> confusion(7, std::vector<long>(7, 0));
  long right = 0, aligned_right = 0;
  for (const ManifestRow& row : read_manifest(file("data"))) {
    const Image crop = read_image(file("data/" + row.path));
    const auto truth = static_cast<std::size_t>(std::find(classes.begin(), classes.end(), row.label) - classes.begin());
    const auto named = static_cast<std::size_t>(engine->classify({crop.view()})[0].label_id);
    ++confusion[truth][named];
    right += truth == named ? 1 : 0;
    aligned_right += truth == named && row.aligned ? 1 : 0;
  }
  EXPECT_EQ(out["images"], 70);
  EXPECT_DOUBLE_EQ(out["aligned_accuracy"].get<double>(), static_cast<double>(aligned_right) / 56);
  EXPECT_EQ(out["unaligned"], 14);
  EXPECT_EQ(out["classes"].get<std::vector<std::string>>(), classes);
  EXPECT_EQ(out["confusion"].get<std::vector<std::vector<long>>>(), confusion);
  EXPECT_DOUBLE_EQ(out["accuracy"].get<double>(), static_cast<double>(right) / 70);
  long images = 0;
  for (const auto& name : classes) images += out["per_class"][name]["images"].get<long>();
  EXPECT_EQ(images, 70);
  const double recall = out["per_class"]["happiness"]["recall"];
  EXPECT_DOUBLE_EQ(recall, static_cast<double>(confusion[3][3]) / 24);
  EXPECT_EQ(out["coverage"], 1.0) << "the tiny model answers always";
  double recalls = 0;
  for (const char* name : {"anger", "fear", "happiness"})
    if (out["per_class"][name]["images"] != 0) recalls += out["per_class"][name]["recall"].get<double>() / 3;
  EXPECT_NEAR(out["balanced_accuracy"].get<double>(), recalls, 1e-12);
}

TEST_F(Evaluate, EveryPicturesAnswerCanBeWritten) {
  prepared(11);
  const auto out = evaluated({"--split", "valid", "--predictions", file("p.csv")});
  const CsvTable table(file("p.csv"), {"path", "label", "named", "confidence", "answered"});
  const auto engine = Engine::load(model_);
  const auto rows = select_rows(read_manifest(file("data")), {"valid"});
  ASSERT_EQ(table.size(), rows.size());
  long right = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Expression e = engine->classify({read_image(file("data/" + rows[i].path)).view()})[0];
    EXPECT_EQ(table.get(i, "path"), rows[i].path);
    EXPECT_EQ(table.get(i, "label"), rows[i].label);
    EXPECT_EQ(table.get(i, "named"), engine->info().classes[static_cast<std::size_t>(e.label_id)]);
    EXPECT_EQ(table.get(i, "answered"), "1");
    for (std::size_t k = 0; k < e.probabilities.size(); ++k)
      EXPECT_NEAR(std::stod(table.get(i, "p_" + engine->info().classes[k])), e.probabilities[k], 1e-5);
    right += table.get(i, "named") == table.get(i, "label") ? 1 : 0;
  }
  EXPECT_DOUBLE_EQ(out["accuracy"].get<double>(), static_cast<double>(right) / static_cast<double>(rows.size()));
  const auto full = train({"evaluate", model_, file("data"), "--predictions", file("none/p.csv")});
  EXPECT_EQ(full.status, 1);
  EXPECT_TRUE(contains(full.err, file("none"))) << full.err;
}

TEST_F(Evaluate, OneSplit) {
  prepared(11);
  const auto of_train = evaluated({"--split", "train"});
  EXPECT_EQ(of_train["images"], 6);
  for (const auto& item : of_train["per_class"].items())
    EXPECT_EQ(item.value()["recall"].is_null(), item.value()["images"] == 0) << item.key() << ": no share of nothing";
  EXPECT_EQ(evaluated({"--split", "valid"})["images"], 5);
  const auto outcome = train({"evaluate", model_, file("data"), "--split", "test"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_TRUE(contains(outcome.err, "'test'")) << outcome.err;
}

TEST_F(Evaluate, DuplicatesCanBeLeftOut) {
  prepared(11);
  fs::copy_file(file("data/3.png"), file("data/6.png"), fs::copy_options::overwrite_existing);  // of valid, into train
  EXPECT_EQ(evaluated({"--split", "valid"}).count("duplicates_left_out"), 0U);
  const auto out = evaluated({"--split", "valid", "--without-duplicates-of", "train"});
  EXPECT_EQ(out["images"], 4);
  EXPECT_EQ(out["duplicates_left_out"], 1);
  EXPECT_EQ(out["per_class"]["happiness"]["images"], 1) << "picture 3 was the other one";
  const auto refused = [&](std::vector<std::string> more, const std::string& part) {
    more.insert(more.begin(), {"evaluate", model_, file("data")});
    const auto outcome = train(more);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
  };
  refused({"--split", "valid", "--without-duplicates-of", "valid"}, "another split than --split");
  refused({"--without-duplicates-of", "train"}, "another split than --split");
  refused({"--split", "valid", "--without-duplicates-of", "test"}, "no picture in the split 'test'");
}

TEST_F(Evaluate, MasksCanBeReplaced) {
  prepared(70);
  const auto engine = Engine::load(model_);
  const std::size_t side = static_cast<std::size_t>(engine->info().input_size);
  const auto rows = read_manifest(file("data"));
  std::vector<MotionMask> own;
  MotionMask mean{std::vector<float>(side * side, 0), static_cast<int>(side)}, zero = mean;
  std::vector<Image> crops;
  for (const ManifestRow& row : rows) {
    crops.push_back(read_image(file("data/" + row.path)));
    own.push_back(engine->generate_masks({crops.back().view()}).front());
    for (std::size_t k = 0; k < mean.values.size(); ++k) mean.values[k] += own.back().values[k] / 70;
  }
  using Confusion = std::vector<std::vector<long>>;
  const auto confusion_with = [&](const std::function<MotionMask(std::size_t)>& mask) {
    std::vector<std::vector<long>> confusion(7, std::vector<long>(7, 0));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& classes = engine->info().classes;
      const auto truth = std::find(classes.begin(), classes.end(), rows[i].label) - classes.begin();
      ++confusion[static_cast<std::size_t>(truth)][static_cast<std::size_t>(engine->classify({crops[i].view()}, {mask(i)}).front().label_id)];
    }
    return confusion;
  };
  // Sattolo's shuffle, as the program draws it.
  std::vector<std::size_t> cycle(rows.size());
  std::iota(cycle.begin(), cycle.end(), std::size_t{0});
  std::mt19937_64 generator(1);
  for (std::size_t i = cycle.size() - 1; i > 0; --i) std::swap(cycle[i], cycle[generator() % i]);
  for (std::size_t i = 0; i < cycle.size(); ++i) EXPECT_NE(cycle[i], i);
  const auto replaced = [&](const char* kind) {
    const auto out = evaluated({"--replace-masks", kind});
    EXPECT_EQ(out["replaced_masks"], kind);
    return out["confusion"].get<Confusion>();
  };
  EXPECT_EQ(replaced("mean"), confusion_with([&](std::size_t) { return mean; }));
  EXPECT_EQ(replaced("zero"), confusion_with([&](std::size_t) { return zero; }));
  EXPECT_EQ(replaced("other"), confusion_with([&](std::size_t i) { return own[cycle[i]]; }));
  EXPECT_NE(replaced("zero"), confusion_with([&](std::size_t i) { return own[i]; })) << "the test can't tell";
}

Image gray_noise(std::size_t side, unsigned seed) {
  Image image = noise(static_cast<int>(side), seed);
  image.format = PixelFormat::kGray8;
  image.pixels.resize(side * side);
  return image;
}

TEST_F(Evaluate, MasksAreComparedWithTheGroundTruth) {
  prepared(70);
  const auto engine = Engine::load(model_);
  const auto input = static_cast<std::size_t>(engine->info().input_size), side = static_cast<std::size_t>(engine->info().crop_size);
  const std::size_t edge = (side - input) / 2, area = input * input;
  fs::create_directories(file("masks"));
  const auto rows = read_manifest(file("data"));
  std::vector<MotionMask> drawn;
  for (const ManifestRow& row : rows) drawn.push_back(engine->generate_masks({read_image(file("data/" + row.path)).view()}).front());
  // A class's truth is what FMG draws of its first face, within a border that does not count; the others' faces are noise.
  std::map<std::string, Image> truth;
  for (std::size_t i = 0; i < 3; ++i) {
    Image& mask = truth[rows[i].label] = gray_noise(side, static_cast<unsigned>(i));
    for (std::size_t p = 0; p < area; ++p)
      mask.pixels[(p / input + edge) * side + p % input + edge] = static_cast<std::uint8_t>(std::lround(255 * drawn[i].values[p]));
    write_image(file("masks/" + rows[i].label + ".png"), mask.view());
  }
  const auto truth_of = [&](const std::string& name, std::size_t p) {
    if (truth.count(name) == 0) return 0.0;  // --missing-mask zero
    const std::size_t y = p / input + edge, x = p % input + edge;
    return truth[name].pixels[y * side + x] / 255.0;
  };
  const auto distance = [&](std::size_t i, const std::string& name) {
    double sum = 0;
    for (std::size_t p = 0; p < area; ++p) sum += std::pow(drawn[i].values[p] - truth_of(name, p), 2);
    return sum;
  };
  std::vector<double> mean(area, 0);
  for (const ManifestRow& row : rows)
    for (std::size_t p = 0; p < area; ++p) mean[p] += truth_of(row.label, p) / static_cast<double>(rows.size());
  double error = 0, error_of_mean = 0, nearest = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    error += distance(i, rows[i].label);
    for (std::size_t p = 0; p < area; ++p) error_of_mean += std::pow(truth_of(rows[i].label, p) - mean[p], 2);
    bool is_nearest = true;
    for (const std::string& other : engine->info().classes)
      if (other != rows[i].label && !(distance(i, rows[i].label) < distance(i, other))) is_nearest = false;
    nearest += is_nearest ? 1 : 0;
  }
  const auto out = evaluated({"--masks", file("masks"), "--missing-mask", "zero", "--precision", "fp32"});
  EXPECT_NEAR(out["mask_r2"].get<double>(), 1 - error / error_of_mean, 1e-3);
  EXPECT_NEAR(out["nearest_mask_accuracy"].get<double>(), nearest / static_cast<double>(rows.size()), 1e-9);
  EXPECT_GE(nearest, 3);
  EXPECT_LT(nearest, 70) << "the test can't tell";
  EXPECT_EQ(evaluated().count("mask_r2"), 0U);
}

TEST_F(Evaluate, MasksThatCannotBeCompared) {
  prepared(3);
  fs::create_directories(file("masks"));
  write_image(file("masks/anger.png"), noise(52, 1).view());
  const auto refused = [&](std::vector<std::string> more, const std::string& part) {
    more.insert(more.begin(), {"evaluate", model_, file("data")});
    const auto outcome = train(more);
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
  };
  refused({"--masks", file("masks")}, "no mask for the class");
  refused({"--masks", file("nothing")}, "no such folder of masks");
  refused({"--masks", file("masks"), "--replace-masks", "zero"}, "which --replace-masks takes away");
  refused({"--missing-mask", "zero"}, "--missing-mask goes with --masks");
  fs::create_directories(file("folds/0"));
  refused({"--masks", file("folds")}, "but those of folds; --fold takes one's");
}

TEST_F(Evaluate, MasksThatCannotBeReplaced) {
  prepared(3);
  const auto outcome = train({"evaluate", model_, file("data"), "--split", "valid", "--replace-masks", "other"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "--replace-masks other: there is no other face")) << outcome.err;
}

TEST_F(Evaluate, AFolderOfPicturesIsAlignedAsPrepareDoes) {
  if (!fs::exists(test::photograph_path()) || !fs::exists(default_landmark_model()))
    GTEST_SKIP() << "no photograph or no landmark model installed";
  fs::create_directories(file("root/happy"));
  fs::create_directories(file("root/sad"));
  fs::copy_file(test::photograph_path(), file("root/happy/a.jpg"));
  write_image(file("root/sad/wall.png"), noise(100, 1).view());
  write_image(file("root/sad/dot.png"), noise(1, 1).view());
  ASSERT_EQ(train({"prepare", "folder", file("root"), "-o", file("data"), "--crop-size", "52"}).status, 0);  // the tiny model's
  const auto prepared_first = evaluated();
  const auto outcome = train({"evaluate", model_, file("root"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto at_once = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(at_once["images"], 3);
  EXPECT_EQ(at_once["unaligned"], 2);
  EXPECT_EQ(at_once, prepared_first);
}

TEST_F(Evaluate, ATablesRowThatCannotBeUsedIsNotPassedOver) {
  write_image(file("a.png"), noise(60, 1).view());
  test::write_text(file("labels.csv"), "path,label\na.png,happy\na.png,sadd\nb.png,sad\n");
  const auto outcome = train({"evaluate", model_, file("labels.csv")});
  EXPECT_NE(outcome.status, 0);
  EXPECT_TRUE(contains(outcome.err, file("labels.csv") + ":3: 'sadd' is no expression that is known (and 1 more that cannot be used)"))
      << outcome.err;
  // What is wrong with another split is of no account.
  test::write_text(file("labels.csv"), "path,label,split\na.png,happy,valid\na.png,sadd,train\n");
  const auto valid = train({"evaluate", model_, file("labels.csv"), "--split", "valid"});
  EXPECT_EQ(valid.status, 0) << valid.err;
  EXPECT_NE(train({"evaluate", model_, file("labels.csv"), "--split", "train"}).status, 0);
}

TEST_F(Evaluate, PicturesCanBeCorrupted) {
  if (!fs::exists(test::photograph_path()) || !fs::exists(default_landmark_model()))
    GTEST_SKIP() << "no photograph or no landmark model installed";
  const std::vector<std::string> chosen{"--corruption", "resize:0.5", "--corruption", "noise:30"};
  const std::vector<Corruption> same{{"resize", 0.5}, {"noise", 30}};
  for (const char* folder : {"root/happy", "root/sad", "corrupted/happy", "corrupted/sad"}) fs::create_directories(file(folder));
  const Image photograph = read_image(test::photograph_path()), wall = noise(100, 1);
  write_image(file("root/happy/a.png"), photograph.view());
  write_image(file("root/sad/wall.png"), wall.view());
  write_image(file("corrupted/happy/a.png"), corrupted(photograph.view(), same).view());
  write_image(file("corrupted/sad/wall.png"), corrupted(wall.view(), same).view());
  const auto figures = [&](const std::string& root, std::vector<std::string> more) {
    more.insert(more.begin(), {"evaluate", model_, root, "--json"});
    const auto outcome = train(more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  };
  auto out = figures(file("root"), chosen);
  EXPECT_EQ(out["corruptions"], (nlohmann::json{"resize:0.5", "noise:30"}));
  EXPECT_EQ(out["unaligned"], 1) << "the wall";
  out.erase("corruptions");
  EXPECT_EQ(out, figures(file("corrupted"), {}));
  EXPECT_NE(out["calibration_error"], figures(file("root"), {})["calibration_error"]) << "the test can't tell";
}

TEST_F(Evaluate, WhatCannotBeCorrupted) {
  prepared(3);
  fs::create_directories(file("root/sad"));
  write_image(file("root/sad/long.png"), Image{std::vector<std::uint8_t>(3 * 2000), 2000, 1, PixelFormat::kRgb8}.view());
  const auto refused = [&](const char* corruption, const char* data, const std::string& part) {
    const auto outcome = train({"evaluate", "--corruption", corruption, model_, file(data)});
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << part << " is not in " << outcome.err;
  };
  refused("blur:1", "data", "these are crops already");
  refused("fog:1", "root", "--corruption: no corruption 'fog'");
  refused("resize:16", "root", "long.png: resize: a picture of 2000×1 would become longer than 16384");
}

TEST_F(Evaluate, FacesThatWereFoundAreToldApart) {
  prepared(10);
  const auto text = train({"evaluate", model_, file("data")}).out;
  char part[64];
  std::snprintf(part, sizeof part, " (%.4f where a face was found)", evaluated()["aligned_accuracy"].get<double>());
  EXPECT_TRUE(contains(text, "10 images, 2 without a found face")) << text;
  EXPECT_TRUE(contains(text, part)) << text;
  auto rows = read_manifest(file("data"));
  for (auto& row : rows) row.aligned = false;
  write_manifest(file("data"), rows);
  EXPECT_EQ(evaluated().count("aligned_accuracy"), 0U);
  EXPECT_FALSE(contains(train({"evaluate", model_, file("data")}).out, "where a face was found"));
}

TEST_F(Evaluate, AFigureOfOtherPicturesIsNotGiven) {
  prepared(4);
  test::write_text(file("data/2.png"), "a text file in the place of a picture");
  auto outcome = train({"evaluate", model_, file("data"), "--json"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_TRUE(outcome.out.empty()) << outcome.out;
  EXPECT_TRUE(contains(outcome.err, file("data/2.png"))) << outcome.err;
  write_image(file("data/2.png"), noise(52, 2).view());
  write_manifest(file("data"), {{"2.png", "", "contempt", "", "", "", "", "", "", true}});
  outcome = train({"evaluate", model_, file("data")});
  EXPECT_NE(outcome.status, 0);
  EXPECT_TRUE(contains(outcome.err, "contempt")) << outcome.err;
  EXPECT_NE(train({"evaluate", model_, file("nothing")}).status, 0);
  EXPECT_NE(train({"evaluate", file("nothing"), file("data")}).status, 0);
}

}  // namespace
}  // namespace fmpn::train
