// fmpn-train calibrate: temperature and threshold of a finished model, for the pictures that it is going to see.

#include <cstdio>
#include <memory>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "calibration.h"
#include "commands.h"
#include "engine_arguments.h"
#include "labelled_crops.h"
#include "runtime/model_metadata.h"
#include "runtime/safetensors.h"

namespace fmpn::train {
namespace {

struct Options {
  std::string model, output;
  CropSource source;
  EngineOptions engine;
  double wanted = kWantedAccuracy;
};

void print(const char* when, const ModelInfo& info, const LabelledLogits& said) {
  const Answers answers = answers_at(info.temperature, said, info.classes);
  const Abstention at = abstention_at(info.min_confidence, answers.confidence, answers.correct);
  std::printf("%s: temperature %.3f, min-confidence %.2f: answers %.1f %% of the pictures, %.1f %% of them right; ", when, info.temperature,
              info.min_confidence, 100 * at.coverage, 100 * at.accuracy);
  std::printf("calibration error %.4f\n", expected_calibration_error(answers.confidence, answers.correct));
}

void run(const Options& o) {
  const auto engine = Engine::load(o.model, o.engine);
  const LabelledCrops data = read_labelled_crops(o.source, engine->info());
  LabelledLogits said;
  classify_each(*engine, data.crops, nullptr, [&](std::size_t i, const Expression& e) { said.add(e.logits, data.labels[i]); });
  ModelInfo info = engine->info();
  std::printf("%zu pictures", data.crops.size());
  if (!o.source.without_duplicates_of.empty())
    std::printf(", %ld left out that stand in '%s' too", data.duplicates, o.source.without_duplicates_of.c_str());
  std::printf("\n");
  print("before", info, said);
  calibrate(info, said, o.wanted);
  print("after ", info, said);
  info.provenance["calibration_images"] = std::to_string(data.crops.size());
  SafeTensors content = read_safetensors(o.model);
  content.metadata = metadata_from_info(info);
  write_safetensors(o.output, content);
  std::printf("wrote %s: the same weights\n", o.output.c_str());
}

}  // namespace

void add_calibrate(CLI::App& app) {
  auto* c = app.add_subcommand("calibrate", "Fit a model's temperature and `uncertain` threshold to pictures that it was not trained on");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  add_crop_source_options(*c, o->source);
  c->add_option("-o,--output", o->output, "Model file to write, with the same weights")->required();
  c->add_option("--answered-accuracy", o->wanted, "Share of the answers that should be right, 0…1; what would lower it is `uncertain`")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  add_engine_options(*c, o->engine);
  c->callback([o] { run(*o); });
}

}  // namespace fmpn::train
