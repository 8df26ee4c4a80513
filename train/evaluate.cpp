// fmpn-train evaluate: a model on a prepared data set or on a folder of pictures.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "commands.h"
#include "corruption.h"
#include "engine_arguments.h"
#include "mask_replacement.h"
#include "mask_scores.h"
#include "mask_set.h"
#include "parallel_align.h"
#include "picture_list.h"
#include "pixel_key.h"
#include "progress.h"
#include "scores.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string model, data, split, without_duplicates_of, replace_masks = "none", masks, missing_mask = "none";
  std::vector<std::string> corruptions;
  int fold = -1;
  EngineOptions engine;
  bool json = false;
};

struct Crops {
  std::vector<Image> crops;
  std::vector<std::size_t> labels;
  std::vector<bool> aligned;  ///< a face was found; false: the whole picture
  long duplicates = 0;  ///< left out
};

std::size_t label_index(const ModelInfo& info, const ManifestRow& row) {
  const auto found = std::find(info.classes.begin(), info.classes.end(), row.label);
  if (found == info.classes.end())
    throw Error(ErrorCode::kBadFormat, (row.source.empty() ? row.path : row.source) + ": the model has no class '" + row.label + "'");
  return static_cast<std::size_t>(found - info.classes.begin());
}

/// Takes out of `rows` the pictures whose pixels one of `others` has; gives back how many. FER2013's splits share some.
long leave_out_duplicates(std::vector<ManifestRow>& rows, const std::vector<ManifestRow>& others,
                          const std::function<std::string(const ManifestRow&)>& file) {
  std::set<std::string> seen;
  Progress progress("compare", static_cast<long>(others.size() + rows.size()));
  long done = 0;
  for (const ManifestRow& row : others) {
    seen.insert(pixel_key(read_image(file(row))));
    progress.update(++done);
  }
  const auto duplicates = std::remove_if(rows.begin(), rows.end(), [&](const ManifestRow& row) {
    progress.update(++done);
    return seen.count(pixel_key(read_image(file(row)))) != 0;
  });
  const long count = rows.end() - duplicates;
  rows.erase(duplicates, rows.end());
  return count;
}

std::vector<Corruption> corruptions_of(const Options& o) {
  std::vector<Corruption> corruptions;
  for (const std::string& text : o.corruptions) corruptions.push_back(parse_corruption(text));
  return corruptions;
}

/// Every picture given is counted; one that cannot be read is an error, since the figure would be of another set.
Crops read_crops(const Options& o, const ModelInfo& info) {
  const auto corruptions = corruptions_of(o);
  const bool prepared = fs::exists(fs::path(o.data) / "manifest.csv");
  if (prepared && !corruptions.empty())
    throw Error(ErrorCode::kBadSetting, o.data + ": --corruption is done to pictures before their faces are looked for; these are crops already");
  const auto all = prepared ? read_manifest(o.data) : list_folder(o.data, {}).rows;
  const auto file = [&](const ManifestRow& row) { return prepared ? (fs::path(o.data) / row.path).string() : row.source; };
  const auto some = [&](const Selection& selection) {
    auto rows = select_rows(all, selection);
    if (rows.empty())
      throw Error(ErrorCode::kBadFormat, o.data + ": no picture in " + (selection.fold < 0 ? "the split '" + selection.split + "'"
                                                                                         : "the fold " + std::to_string(selection.fold)));
    return rows;
  };
  auto rows = some({o.split, o.fold, true});
  Crops result;
  if (!o.without_duplicates_of.empty()) {
    if (o.without_duplicates_of == o.split || o.split.empty())
      throw Error(ErrorCode::kBadSetting, "--without-duplicates-of takes another split than --split, which it needs");
    result.duplicates = leave_out_duplicates(rows, some({o.without_duplicates_of}), file);
    if (rows.empty())
      throw Error(ErrorCode::kBadFormat, o.data + ": every picture of '" + o.split + "' stands in '" + o.without_duplicates_of + "'");
  }
  result.crops.resize(rows.size());
  for (const ManifestRow& row : rows) result.labels.push_back(label_index(info, row));
  if (prepared) {
    for (std::size_t i = 0; i < rows.size(); ++i) result.crops[i] = read_image(file(rows[i]));
  } else {
    AlignerOptions aligner;
    aligner.crop_size = info.crop_size;
    align_in_parallel(aligner, rows.size(), "align", [&](Aligner& a, std::size_t i) {
      Image picture = read_image(rows[i].source);
      if (!corruptions.empty()) picture = corrupted(picture.view(), corruptions, i);
      StillCrop still = crop_still(a, picture.view());
      rows[i].aligned = still.aligned;
      result.crops[i] = std::move(still.crop);
    });
  }
  for (const ManifestRow& row : rows) result.aligned.push_back(row.aligned);
  return result;
}

std::optional<MaskScores> mask_scores(const Options& o, const ModelInfo& info) {
  const auto need = [](bool ok, const std::string& fault) {
    if (!ok) throw Error(ErrorCode::kBadSetting, fault);
  };
  need(o.missing_mask == "none" || !o.masks.empty(), "--missing-mask goes with --masks");
  if (o.masks.empty()) return std::nullopt;
  need(o.replace_masks == "none", "--masks compares the faces' own masks, which --replace-masks takes away");
  need(info.uses_masks, "--masks: the model '" + info.name + "' has no masks");
  const auto masks = masks_for(read_masks(masks_of_fold(o.masks, o.fold)), info.classes, info.crop_size, o.missing_mask);
  return MaskScores(masks, info.classes.size(), info.crop_size, info.input_size);
}

/// What the model made of the pictures.
struct Outcome {
  Answers answers;
  std::optional<MaskScores> masks;
  long nearest_masks = 0;  ///< faces whose mask is nearest to the ground truth of their own class
  long aligned_right = 0;  ///< right among those whose face was found
};

Outcome outcome_of(const Options& o, const Engine& engine, const Crops& data, std::optional<MaskScores> masks) {
  Outcome outcome{Answers(engine.info().classes), std::move(masks)};
  std::optional<MaskReplacement> replacement;
  if (o.replace_masks != "none") replacement.emplace(engine, data.crops, o.replace_masks);
  constexpr std::size_t kBatch = 64;
  Progress progress("classify", static_cast<long>(data.crops.size()));
  for (std::size_t first = 0; first < data.crops.size(); first += kBatch) {
    const std::size_t last = std::min(first + kBatch, data.crops.size());
    std::vector<ImageView> batch;
    for (std::size_t i = first; i < last; ++i) batch.push_back(data.crops[i].view());
    for (const Expression& e : replacement ? engine.classify(batch, replacement->masks(first, last)) : engine.classify(batch)) {
      const std::size_t at = outcome.answers.confidence.size();
      const std::size_t truth = data.labels[at];
      const auto named = static_cast<std::size_t>(e.label_id);
      outcome.answers.add(truth, named, e.probabilities[named]);
      outcome.aligned_right += data.aligned[at] && named == truth ? 1 : 0;
      if (!outcome.masks) continue;
      outcome.masks->add(e.mask.values, truth);
      outcome.nearest_masks += outcome.masks->is_nearest(e.mask.values, truth) ? 1 : 0;
    }
    progress.update(static_cast<long>(last));
  }
  return outcome;
}

nlohmann::ordered_json figures_of(const Options& o, const Engine& engine, const Crops& data, const Outcome& outcome) {
  const ModelInfo& info = engine.info();
  const Answers& answers = outcome.answers;
  const auto& counts = answers.confusion.counts();
  nlohmann::ordered_json out;
  out["model"] = info.name;
  out["precision"] = engine.precision() == Precision::kBf16 ? "bf16" : "fp32";
  if (o.replace_masks != "none") out["replaced_masks"] = o.replace_masks;
  if (!o.corruptions.empty()) out["corruptions"] = o.corruptions;
  out["images"] = answers.confusion.total();
  const auto aligned = std::count(data.aligned.begin(), data.aligned.end(), true);
  out["unaligned"] = answers.confusion.total() - aligned;
  if (!o.without_duplicates_of.empty()) out["duplicates_left_out"] = data.duplicates;
  out["accuracy"] = answers.confusion.accuracy();
  if (aligned > 0) out["aligned_accuracy"] = static_cast<double>(outcome.aligned_right) / static_cast<double>(aligned);
  out["calibration_error"] = expected_calibration_error(answers.confidence, answers.correct);
  const Abstention at = abstention_at(info.min_confidence, answers.confidence, answers.correct);
  out["min_confidence"] = info.min_confidence;
  out["coverage"] = at.coverage;
  out["answered_accuracy"] = at.accuracy;
  if (outcome.masks) {
    if (const auto r2 = outcome.masks->r2()) out["mask_r2"] = *r2;
    out["nearest_mask_accuracy"] = static_cast<double>(outcome.nearest_masks) / static_cast<double>(answers.confusion.total());
  }
  out["classes"] = info.classes;
  out["confusion"] = counts;
  for (std::size_t c = 0; c < info.classes.size(); ++c) {
    long row = 0, column = 0;
    for (std::size_t k = 0; k < info.classes.size(); ++k) row += counts[c][k], column += counts[k][c];
    const auto hit = static_cast<double>(counts[c][c]);
    out["per_class"][info.classes[c]] = {{"images", row},
                                         {"recall", row > 0 ? hit / static_cast<double>(row) : 0.0},
                                         {"precision", column > 0 ? hit / static_cast<double>(column) : 0.0}};
  }
  return out;
}

void print(const Options& o, const nlohmann::ordered_json& figures, const ConfusionMatrix& confusion) {
  const auto value = [&](const char* name) { return figures[name].get<double>(); };
  if (!o.without_duplicates_of.empty())
    std::printf("left out: %ld that stand in '%s' too\n", figures["duplicates_left_out"].get<long>(), o.without_duplicates_of.c_str());
  if (o.replace_masks != "none") std::printf("masks replaced: %s\n", o.replace_masks.c_str());
  for (const std::string& corruption : o.corruptions) std::printf("pictures corrupted: %s\n", corruption.c_str());
  std::printf("%ld images, %ld without a found face\n", confusion.total(), figures["unaligned"].get<long>());
  std::printf("accuracy %.4f", value("accuracy"));
  if (figures["unaligned"] != 0 && figures.contains("aligned_accuracy")) std::printf(" (%.4f where a face was found)", value("aligned_accuracy"));
  std::printf(", calibration error %.4f\nabove confidence %.2f: %.1f %% answered, %.1f %% of them right\n", value("calibration_error"),
              value("min_confidence"), 100 * value("coverage"), 100 * value("answered_accuracy"));
  if (figures.contains("mask_r2")) std::printf("masks: R² %.3f\n", value("mask_r2"));
  if (figures.contains("nearest_mask_accuracy"))
    std::printf("masks: nearest to the ground truth of their own class for %.1f %%\n", 100 * value("nearest_mask_accuracy"));
  std::printf("\n%-10s", "");
  for (const auto& name : confusion.classes()) std::printf(" %9s", name.c_str());
  std::printf("    recall\n");
  for (std::size_t r = 0; r < confusion.classes().size(); ++r) {
    const std::string& name = confusion.classes()[r];
    std::printf("%-10s", name.c_str());
    for (const long n : confusion.counts()[r]) std::printf(" %9ld", n);
    std::printf("   %6.3f\n", figures["per_class"][name]["recall"].get<double>());
  }
}

void evaluate(const Options& o) {
  const auto engine = Engine::load(o.model, o.engine);
  auto scores = mask_scores(o, engine->info());  // what is wrong with them is said before the pictures are read
  const Crops data = read_crops(o, engine->info());
  const Outcome outcome = outcome_of(o, *engine, data, std::move(scores));
  const auto figures = figures_of(o, *engine, data, outcome);
  if (o.json) std::cout << figures.dump() << '\n';
  else print(o, figures, outcome.answers.confusion);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto* c = app.add_subcommand("evaluate", "Accuracy, per class, confusion and calibration of a model");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  c->add_option("data", o->data, "Prepared data set, or a folder of class folders")->required();
  c->add_option("--split", o->split, "Only this split");
  c->add_option("--without-duplicates-of", o->without_duplicates_of, "Leave out pictures that stand in this split too, pixel by pixel");
  c->add_option("--replace-masks", o->replace_masks,
                "What the masks contribute: every face gets the mean mask of all, one of zeros, or that of another face")
      ->check(CLI::IsMember({"none", "mean", "zero", "other"}))
      ->capture_default_str();
  c->add_option("--masks", o->masks, "Folder of ground-truth masks: how near the generated masks come to them");
  c->add_option("--missing-mask", o->missing_mask, "With --masks, for a class that has none")
      ->check(CLI::IsMember({"none", "zero", "mean"}))
      ->capture_default_str();
  c->add_option("--corruption", o->corruptions,
                "Done to every picture before its face is looked for; given several times, one after the other: resize:FACTOR, blur:SIGMA, "
                "noise:SIGMA, jpeg:QUALITY, brightness:FACTOR, contrast:FACTOR or rotate:DEGREES")
      ->allow_extra_args(false);
  c->add_option("--fold", o->fold, "Only this fold (the test fold of a cross-validation), and its masks")->check(CLI::NonNegativeNumber);
  add_engine_options(*c, o->engine);
  c->add_flag("--json", o->json, "One JSON object on standard output");
  c->callback([o] { evaluate(*o); });
}

}  // namespace fmpn::train
