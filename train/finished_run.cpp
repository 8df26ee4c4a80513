#include "finished_run.h"

#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include <torch/types.h>
#include <torch/utils.h>
#include <torch/version.h>

#include "agreement.h"
#include "calibration.h"
#include "predictions.h"
#include "report.h"
#include "run_result.h"
#include "runtime/model_file.h"
#include "scores.h"
#include "validation.h"

namespace fmpn::train {
namespace {

/// The weights as a file of half precision gives them back: what is measured and fitted is true of the file, to the last picture.
void round_as_stored(FmpnNetImpl& net) {
  const torch::NoGradGuard no_grad;
  for (auto& item : state_of(net)) {
    const StoredTensor stored = stored_as(item.second, /*half=*/true);
    item.second.copy_(view_of(stored));
  }
}

LabelledLogits labelled(const torch::Tensor& logits, const torch::Tensor& labels) {
  LabelledLogits data;
  for (int64_t i = 0; i < labels.size(0); ++i) {
    const torch::Tensor row = logits[i].to(torch::kFloat32).contiguous();
    data.add({row.data_ptr<float>(), row.data_ptr<float>() + row.numel()}, static_cast<std::size_t>(labels[i].item<int64_t>()));
  }
  return data;
}

/// Where nothing can be fitted the model stays as it is, with temperature 1, and answers always.
void calibrate_on(const std::vector<int64_t>& unseen, ModelInfo& info, const LabelledLogits& all) {
  LabelledLogits data;
  for (const int64_t i : unseen) data.add(all.logits[static_cast<std::size_t>(i)], all.labels[static_cast<std::size_t>(i)]);
  std::string fault = "every held-out picture is trained on too";
  if (!unseen.empty()) {
    ModelInfo fitted = info;
    calibrate(fitted, data, kWantedAccuracy);
    fault = calibration_fault(fitted, data.labels.size(), kWantedAccuracy);
    if (fault.empty()) info = std::move(fitted);
  }
  if (!fault.empty()) std::printf("not calibrated: %s\n", fault.c_str());
  std::printf("%s\n", calibration_text(calibration_figures(info, unseen.empty() ? all : data)).c_str());
}

RunResult result_of(const FitOptions& o, const ModelInfo& info, const LabelledLogits& data) {
  const Answers answers = answers_at(info.temperature, data, info.classes);
  RunResult result;
  result.confusion = answers.confusion;
  result.fold = o.fold, result.held_out = held_out(o);
  result.calibration_error = expected_calibration_error(answers.confidence, answers.correct);
  result.calibrated_here = info.provenance.count("calibration_images") != 0;
  std::printf("%s: accuracy %.4f, balanced %.4f, macro F1 %.4f, calibration error %.4f\n", result.held_out.c_str(),
              result.confusion.accuracy(), result.confusion.balanced_accuracy(), result.confusion.macro_f1(), result.calibration_error);
  return result;
}

std::vector<Prediction> predictions_of(const ModelInfo& info, const DataSet& valid, const LabelledLogits& data) {
  std::vector<Prediction> all;
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    all.push_back({valid.paths[i], info.classes[data.labels[i]], probabilities_at(info.temperature, data.logits[i])});
  return all;
}

RunResult judge(Trainer& trainer, const FitOptions& o, const ModelInfo& info, const DataSet& valid, const Validation& validation,
                const LabelledLogits& data) {
  RunResult result = result_of(o, info, data);
  result.mask_r2 = validation.mask_r2;
  if (info.uses_masks) {
    const auto same = logits_with_mask(trainer.averaged(), valid, info.input_size, validation.mean_mask);
    result.mean_mask_accuracy = accuracy(same, valid.labels);
    std::printf("with the mean mask for every face: accuracy %.4f\n", *result.mean_mask_accuracy);
  }
  return result;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char date[16];
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  return date;
}

/// What the weights' last digits depend on besides options and data: "bf16 on cpu, 2 threads, LibTorch 1.13.1".
std::string arithmetic_of(const FitOptions& o) {
  return o.precision + " on " + o.device + ", " + std::to_string(torch::get_num_threads()) + " threads, LibTorch " TORCH_VERSION;
}

}  // namespace

void write_finished_run(Trainer& trainer, const RunFolder& run, const FitOptions& o, const DataSet& valid,
                        const std::vector<int64_t>& unseen) {
  ModelInfo info = trainer.info();
  round_as_stored(trainer.averaged());
  Validation validation;
  if (valid.size() > 0)
    validation = validate(o.phase == "1" ? Judged::kMasks : Judged::kMasksAndLogits, trainer.averaged(), valid, trainer.class_masks(),
                          info.input_size);
  if (const auto& r2 = validation.mask_r2)
    std::printf("masks: R² %.2f (1: every face's ground truth; 0: no better than one mask for all)\n", *r2);
  std::optional<RunResult> result;  // none where nothing is held out, or CN was not trained
  if (validation.logits.defined()) {
    const LabelledLogits data = labelled(validation.logits, valid.labels);
    if (o.fold < 0) calibrate_on(unseen, info, data);
    result = judge(trainer, o, info, valid, validation, data);
    write_predictions(run.file("predictions.csv"), info, predictions_of(info, valid, data));
  }
  info.provenance["date"] = today();
  info.provenance["arithmetic"] = arithmetic_of(o);
  if (validation.mask_r2) info.provenance["mask_r2"] = std::to_string(*validation.mask_r2);
  if (result) info.provenance[o.fold < 0 ? "valid_accuracy" : "test_accuracy"] = std::to_string(result->confusion.accuracy());
  const std::string model = run.file("last.safetensors");
  save_model(model, info, trainer.averaged(), /*half=*/true);
  if (const auto agreement = o.phase == "1" ? std::nullopt : bfloat16_agreement(model, valid, o.threads)) {
    std::printf("bfloat16 gives the same label on %.2f %% of %s; masks lie %.4f apart at the most\n", 100 * agreement->same_labels,
                held_out(o).c_str(), agreement->mask_difference);
    info.provenance["bf16_agreement"] = std::to_string(agreement->same_labels);
    info.provenance["bf16_mask_difference"] = std::to_string(agreement->mask_difference);
    save_model(model, info, trainer.averaged(), /*half=*/true);
  }
  write_run_report(run, result);
  if (result) write_result(run.file("result.json"), *result);  // last of all: who finds it finds a whole run
  std::printf("wrote last.safetensors and report.html in %s\n", run.path().c_str());
}

}  // namespace fmpn::train
