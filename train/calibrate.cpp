// fmpn-train calibrate: temperature and threshold of a finished model, for the pictures that it is going to see.

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "calibration.h"
#include "commands.h"
#include "engine_arguments.h"
#include "files/json_text.h"
#include "labelled_crops.h"
#include "manifest.h"
#include "runtime/model_metadata.h"
#include "runtime/safetensors.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string model, output;
  CropSource source;
  EngineOptions engine;
  double wanted = kWantedAccuracy;
  bool json = false;
};

/// Before minutes are spent on what could not be written.
void check_output(const std::string& path) {
  const fs::path folder = fs::absolute(path).parent_path();
  if (!fs::is_directory(folder)) throw Error(ErrorCode::kIo, path + ": there is no folder " + folder.string());
  if (fs::is_directory(path)) throw Error(ErrorCode::kIo, path + ": is a folder");
}

/// "data, split valid, blur:1.5": what the model's provenance says that it was calibrated on.
std::string name_of(const CropSource& source) {
  std::string name = data_set_name(source.data);
  if (!source.split.empty()) name += ", split " + source.split;
  for (const std::string& corruption : source.corruptions) name += ", " + corruption;
  return name;
}

nlohmann::ordered_json as_json(const CalibrationFigures& figures) {
  return {{"temperature", figures.temperature},
          {"min_confidence", figures.min_confidence},
          {"coverage", figures.coverage},
          {"answered_accuracy", figures.answered_accuracy},
          {"calibration_error", figures.calibration_error}};
}

void print_json(const Options& o, const Engine& engine, const LabelledCrops& crops, const CalibrationFigures& before,
                const CalibrationFigures& after) {
  auto out = heading_of(o.source, crops, engine);
  out["before"] = as_json(before);
  out["after"] = as_json(after);
  out["output"] = o.output;
  std::cout << json_text(out) << '\n';
}

void run(const Options& o) {
  check_output(o.output);
  SafeTensors content = read_safetensors(o.model);  // now: minutes later the file may be another
  const auto engine = Engine::load(o.model, o.engine);
  const LabelledCrops crops = read_labelled_crops(o.source, engine->info());
  LabelledLogits data;
  classify_each(*engine, crops.crops, nullptr, [&](std::size_t i, const Expression& e) { data.add(e.logits, crops.labels[i]); });
  ModelInfo info = engine->info();
  const CalibrationFigures before = calibration_figures(info, data);
  if (!o.json) {
    print_heading(o.source, crops);
    std::printf("before: %s\n", calibration_text(before).c_str());
  }
  calibrate(info, data, o.wanted);
  if (const std::string fault = calibration_fault(info, data.labels.size(), o.wanted); !fault.empty())
    throw Error(ErrorCode::kBadFormat, o.source.data + ": " + fault + "; nothing was written");
  const CalibrationFigures after = calibration_figures(info, data);
  info.provenance["calibration_data"] = name_of(o.source);
  for (const auto& [key, value] : metadata_from_info(info)) content.metadata[key] = value;
  write_safetensors(o.output, content);
  if (o.json) print_json(o, *engine, crops, before, after);
  else std::printf("after:  %s\nwrote %s: the same weights\n", calibration_text(after).c_str(), o.output.c_str());
}

}  // namespace

void add_calibrate(CLI::App& app) {
  auto* c = app.add_subcommand("calibrate", "Fit a model's temperature and `uncertain` threshold to pictures that it was not trained on");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  add_crop_source_options(*c, o->source);
  c->add_option("-o,--output", o->output, "Model file to write, with the same weights")->required();
  const auto is_share = [](const std::string& text) -> std::string {
    double share = 0;
    const auto [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), share);
    const bool whole = fault == std::errc() && rest == text.data() + text.size();
    return whole && share > 0 && share <= 1 ? "" : "'" + text + "' is not a share, such as 0.8";  // CLI::Range lets NaN through
  };
  c->add_option("--answered-accuracy", o->wanted,
                "Share of the answers that should be right (selective accuracy); what would lower it is `uncertain`")
      ->check(is_share)
      ->capture_default_str();
  add_engine_options(*c, o->engine);
  c->add_flag("--json", o->json, "One JSON object on standard output");
  c->callback([o] { run(*o); });
}

}  // namespace fmpn::train
