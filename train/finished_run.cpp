#include "finished_run.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include <torch/types.h>
#include <torch/utils.h>

#include "agreement.h"
#include "calibration.h"
#include "report.h"
#include "runtime/model_file.h"
#include "scores.h"
#include "validation.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

/// The weights as a file of half precision gives them back: what is measured and fitted is true of the file, to the last picture.
void round_as_stored(FmpnNetImpl& net) {
  const torch::NoGradGuard no_grad;
  for (auto& item : state_of(net)) item.second.copy_(item.second.to(torch::kFloat16));
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
  std::printf("%s: accuracy %.4f, calibration error %.4f\n", result.held_out.c_str(), result.confusion.accuracy(),
              result.calibration_error);
  return result;
}

/// What the model, calibrated here, answers to the held-out pictures; nothing where it has no answers: nothing is held out, or CN was
/// not trained.
std::optional<RunResult> judge(Trainer& trainer, const FitOptions& o, const DataSet& valid, const Validation& validation,
                               const std::vector<int64_t>& unseen, ModelInfo& info) {
  if (!validation.logits.defined()) return std::nullopt;
  const LabelledLogits data = labelled(validation.logits, valid.labels);
  if (o.fold < 0) calibrate_on(unseen, info, data);
  RunResult result = result_of(o, info, data);
  result.mask_r2 = validation.mask_r2;
  if (info.uses_masks) {
    const auto same = logits_with_mask(trainer.averaged(), valid, info.input_size, validation.mean_mask);
    result.mean_mask_accuracy = accuracy(same, valid.labels);
    std::printf("with the mean mask for every face: accuracy %.4f\n", *result.mean_mask_accuracy);
  }
  return result;
}

/// The files that the networks started from, by run folder and name: "FMG: fmg/last.safetensors".
std::string start_of(const FitOptions& o) {
  std::string text;
  for (const auto& [net, path] : {std::pair("all", o.weights), {"CN", o.cn_weights}, {"FMG", o.fmg_weights}}) {
    if (path.empty()) continue;
    const fs::path file = fs::absolute(path).lexically_normal();
    text += (text.empty() ? "" : ", ") + std::string(net) + ": " + (file.parent_path().filename() / file.filename()).string();
  }
  return text;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char date[16];
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  return date;
}

/// Where the weights come from, and how.
void add_origin(const FitOptions& o, std::int64_t train_size, const std::string& teachers, std::map<std::string, std::string>& provenance) {
  provenance["date"] = today();
  provenance["protocol"] = (o.phase == "1" ? "phase 1 alone (PFN and CN are not trained), last epoch of " + std::to_string(o.phase1_epochs)
                                           : "last epoch of " + std::to_string(o.phase2_epochs)) +
                           ", seed " + std::to_string(o.seed) + ", ablation " + o.ablation +
                           (o.fold < 0 ? "" : ", without fold " + std::to_string(o.fold));
  provenance["train_images"] = std::to_string(train_size);
  if (const std::string start = start_of(o); !start.empty()) provenance["start"] = start;
  if (o.leave_out_duplicates) provenance["duplicates"] = "left out of training";
  if (o.teachers.empty()) return;
  char share[16];
  std::snprintf(share, sizeof share, "%g", o.teacher_share);
  provenance["teacher"] = teachers + ", share " + share;
}

}  // namespace

void write_finished_run(Trainer& trainer, const RunFolder& run, const FitOptions& o, const DataSet& valid,
                        const std::vector<int64_t>& unseen, const std::string& teachers) {
  ModelInfo info = trainer.info();
  round_as_stored(trainer.averaged());
  Validation validation;
  if (valid.size() > 0)
    validation = validate(o.phase == "1" ? Judged::kMasks : Judged::kMasksAndLogits, trainer.averaged(), valid, trainer.class_masks(),
                          info.input_size);
  if (const auto& r2 = validation.mask_r2)
    std::printf("masks: R² %.2f (1: every face's ground truth; 0: no better than one mask for all)\n", *r2);
  const std::optional<RunResult> result = judge(trainer, o, valid, validation, unseen, info);
  add_origin(o, trainer.train_size(), teachers, info.provenance);
  if (validation.mask_r2) info.provenance["mask_r2"] = std::to_string(*validation.mask_r2);
  if (result) info.provenance[o.fold < 0 ? "valid_accuracy" : "test_accuracy"] = std::to_string(result->confusion.accuracy());
  const std::string model = run.file("last.safetensors");
  save_model(model, info, trainer.averaged(), /*half=*/true);
  if (const auto agreement = o.phase == "1" ? std::nullopt : bfloat16_agreement(model, valid)) {
    std::printf("bfloat16 gives the same label on %.2f %% of %s; masks lie %.4f apart at the most\n", 100 * agreement->same_labels,
                held_out(o).c_str(), agreement->mask_difference);
    info.provenance["bf16_agreement"] = std::to_string(agreement->same_labels);
    info.provenance["bf16_mask_difference"] = std::to_string(agreement->mask_difference);
    save_model(model, info, trainer.averaged(), /*half=*/true);
  }
  write_run_report(run, result);
  if (result) write_result(run, *result);  // last of all: who finds it finds a whole run
  std::printf("wrote last.safetensors and report.html in %s\n", run.path().c_str());
}

}  // namespace fmpn::train
