// fmpn-train evaluate: a model on a prepared data set or on a folder of pictures.

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "commands.h"
#include "engine_arguments.h"
#include "files/json_text.h"
#include "labelled_crops.h"
#include "mask_replacement.h"
#include "mask_scores.h"
#include "mask_set.h"
#include "predictions.h"
#include "scores.h"

namespace fmpn::train {
namespace {

struct Options {
  std::string model, replace_masks = "none", masks, missing_mask = "none", predictions;
  CropSource source;
  EngineOptions engine;
  bool json = false;
};

std::optional<MaskScores> mask_scores(const Options& o, const ModelInfo& info) {
  const auto need = [](bool ok, const std::string& fault) {
    if (!ok) throw Error(ErrorCode::kBadSetting, fault);
  };
  need(o.missing_mask == "none" || !o.masks.empty(), "--missing-mask goes with --masks");
  if (o.masks.empty()) return std::nullopt;
  need(o.replace_masks == "none", "--masks compares the faces' own masks, which --replace-masks takes away");
  need(info.uses_masks, "--masks: the model '" + info.name + "' has no masks");
  const auto masks = masks_for(read_masks(masks_of_fold(o.masks, o.source.fold)), info.classes, info.crop_size, o.missing_mask);
  return MaskScores(masks, info.classes.size(), info.crop_size, info.input_size);
}

/// What the model made of the pictures.
struct Outcome {
  Answers answers;
  std::vector<Prediction> predictions;
  std::optional<MaskScores> masks;
  long nearest_masks = 0;  ///< faces whose mask is nearest to the ground truth of their own class
  long aligned_right = 0;  ///< right among those whose face was found
};

Outcome outcome_of(const Options& o, const Engine& engine, const LabelledCrops& data, std::optional<MaskScores> masks) {
  Outcome outcome{Answers(engine.info().classes), {}, std::move(masks)};
  std::optional<MaskReplacement> replacement;
  if (o.replace_masks != "none") replacement.emplace(engine, data.crops, o.replace_masks);
  classify_each(engine, data.crops, replacement ? &*replacement : nullptr, [&](std::size_t i, const Expression& e) {
    const std::size_t truth = data.labels[i];
    const auto named = static_cast<std::size_t>(e.label_id);
    outcome.answers.add(truth, named, e.probabilities[named]);
    outcome.predictions.push_back({data.paths[i], engine.info().classes[truth], e.probabilities});
    outcome.aligned_right += data.aligned[i] && named == truth ? 1 : 0;
    if (!outcome.masks) return;
    outcome.masks->add(e.mask.values, truth);
    outcome.nearest_masks += outcome.masks->is_nearest(e.mask.values, truth) ? 1 : 0;
  });
  return outcome;
}

nlohmann::ordered_json figures_of(const Options& o, const Engine& engine, const LabelledCrops& data, const Outcome& outcome) {
  const ModelInfo& info = engine.info();
  const Answers& answers = outcome.answers;
  auto out = heading_of(o.source, data, engine);
  if (o.replace_masks != "none") out["replaced_masks"] = o.replace_masks;
  out["accuracy"] = answers.confusion.accuracy();
  out["balanced_accuracy"] = answers.confusion.balanced_accuracy();
  out["macro_f1"] = answers.confusion.macro_f1();
  const long aligned = answers.confusion.total() - data.unaligned();
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
  out["confusion"] = answers.confusion.counts();
  for (std::size_t c = 0; c < info.classes.size(); ++c) {
    const ClassScores scores = answers.confusion.scores_of(c);
    const auto number = [](const std::optional<double>& share) { return share ? nlohmann::json(*share) : nlohmann::json(); };
    out["per_class"][info.classes[c]] = {{"images", scores.pictures},
                                         {"recall", number(scores.recall)},
                                         {"precision", number(scores.precision)},
                                         {"f1", number(scores.f1)}};
  }
  return out;
}

void print(const Options& o, const nlohmann::ordered_json& figures, const ConfusionMatrix& confusion) {
  const auto value = [&](const char* name) { return figures[name].get<double>(); };
  if (o.replace_masks != "none") std::printf("masks replaced: %s\n", o.replace_masks.c_str());
  std::printf("accuracy %.4f", value("accuracy"));
  if (figures["unaligned"] != 0 && figures.contains("aligned_accuracy"))
    std::printf(" (%.4f where a face was found)", value("aligned_accuracy"));
  std::printf(", balanced %.4f, macro F1 %.4f, calibration error %.4f\nabove confidence %.2f: %.1f %% answered, %.1f %% of them right\n",
              value("balanced_accuracy"), value("macro_f1"), value("calibration_error"), value("min_confidence"), 100 * value("coverage"),
              100 * value("answered_accuracy"));
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
    const auto& recall = figures["per_class"][name]["recall"];
    if (recall.is_null()) std::printf("        –\n");
    else std::printf("   %6.3f\n", recall.get<double>());
  }
}

void evaluate(const Options& o) {
  const auto engine = Engine::load(o.model, o.engine);
  auto scores = mask_scores(o, engine->info());  // what is wrong with them is said before the pictures are read
  const LabelledCrops data = read_labelled_crops(o.source, engine->info());
  const Outcome outcome = outcome_of(o, *engine, data, std::move(scores));
  const auto figures = figures_of(o, *engine, data, outcome);
  if (!o.predictions.empty()) write_predictions(o.predictions, engine->info(), outcome.predictions);
  if (o.json) {
    std::cout << json_text(figures) << '\n';
    return;
  }
  print_heading(o.source, data);
  print(o, figures, outcome.answers.confusion);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto* c = app.add_subcommand("evaluate", "Accuracy, per class, confusion and calibration of a model");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  add_crop_source_options(*c, o->source);
  c->add_option("--replace-masks", o->replace_masks,
                "What the masks contribute: every face gets the mean mask of all, one of zeros, or that of another face")
      ->check(CLI::IsMember({"none", "mean", "zero", "other"}))
      ->capture_default_str();
  c->add_option("--masks", o->masks, "Folder of ground-truth masks: how near the generated masks come to them");
  c->add_option("--missing-mask", o->missing_mask, "With --masks, for a class that has none")
      ->check(CLI::IsMember({"none", "zero", "mean"}))
      ->capture_default_str();
  c->add_option("--fold", o->source.fold, "Only this fold (the test fold of a cross-validation), and its masks")
      ->check(CLI::NonNegativeNumber);
  c->add_option("--predictions", o->predictions,
                "CSV file to write, a line a picture: label, what is named, confidence, whether it is answered, all probabilities");
  add_engine_options(*c, o->engine);
  c->add_flag("--json", o->json, "One JSON object on standard output");
  c->callback([o] { evaluate(*o); });
}

}  // namespace fmpn::train
