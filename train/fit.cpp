// fmpn-train fit: the two phases on a prepared data set, into a run folder.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <c10/util/Exception.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fmpn/error.h>

#include "agreement.h"
#include "calibration.h"
#include "commands.h"
#include "input_schedule.h"
#include "interrupt.h"
#include "keep_memory.h"
#include "manifest.h"
#include "mask_people.h"
#include "mask_set.h"
#include "recipe.h"
#include "report.h"
#include "run_folder.h"
#include "runtime/device.h"
#include "runtime/engines.h"
#include "runtime/model_file.h"
#include "scores.h"
#include "teacher.h"
#include "trainer.h"
#include "validation.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

void check(const FitOptions& o) {
  const auto need = [](bool ok, const std::string& what) {
    if (!ok) throw Error(ErrorCode::kBadSetting, what);
  };
  need(o.phase1_epochs >= 0 && o.phase2_epochs >= 1, "epochs must not be negative, and phase 2 needs one");
  need(o.phase1_batch >= 2 && o.phase2_batch >= 2, "a batch needs two pictures at least");
  need(o.model.crop_size >= o.model.input_size, "--input-size must not be larger than --crop-size");
  need(o.ablation != "none" || !o.masks.empty(), "--masks DIR is needed (or --ablation baseline or no-mask)");
  need(o.phase != "1" || (o.ablation == "none" && o.phase1_epochs > 0),
       "--phase 1: nothing to train, with this ablation or no epochs in it");
  need(o.ema >= 0 && o.ema < 1, "--ema must be in [0, 1)");
  need(o.label_smoothing >= 0 && o.label_smoothing < 1, "--label-smoothing must be in [0, 1)");
  for (const auto& [name, value] : {std::pair("--lr", o.lr), {"--pfn-lr", o.pfn_lr}, {"--fmg-lr", o.fmg_lr}, {"--phase1-lr", o.phase1_lr},
                                    {"--mixup", o.mixup}, {"--weight-decay", o.weight_decay}, {"--lambda-mask", o.lambda_mask},
                                    {"--lambda-class", o.lambda_class}})
    need(value >= 0, std::string(name) + " must not be negative");
  need(o.fold >= -1, "--fold must be -1 (by split) or a fold's number");
  need(o.threads >= 0 && o.threads <= kMostThreads, "--threads must be 0 (all cores) to " + std::to_string(kMostThreads));
  need(o.teacher_share >= 0 && o.teacher_share <= 1, "--teacher-share must be in [0, 1]");
  need(o.teachers.empty() == (o.teacher_share == 0), "--teacher and --teacher-share (more than 0) go together");
  need(!o.leave_out_duplicates || o.fold >= 0 || !o.valid_split.empty(), "--leave-out-duplicates: nothing is held out");
}

/// What the held-out pictures are called: "split valid", "fold 3".
std::string held_out(const FitOptions& o) { return o.fold >= 0 ? "fold " + std::to_string(o.fold) : "split " + o.valid_split; }

LabelledLogits labelled(const torch::Tensor& logits, const torch::Tensor& labels) {
  LabelledLogits data;
  for (int64_t i = 0; i < labels.size(0); ++i) {
    const torch::Tensor row = logits[i].to(torch::kFloat32).contiguous();
    data.add({row.data_ptr<float>(), row.data_ptr<float>() + row.numel()}, static_cast<std::size_t>(labels[i].item<int64_t>()));
  }
  return data;
}

/// The held-out pictures that may be calibrated on: all but those that stand among the training pictures too, pixel by pixel.
std::vector<int64_t> unseen_pictures(const FitOptions& o, const DataSet& train, const DataSet& valid) {
  // A fold's held-out pictures are its test: nothing is fitted to them.
  if (o.fold >= 0 || o.phase == "1" || valid.size() == 0) return {};
  const DataSet none;
  auto unseen = indices_not_in(valid, o.leave_out_duplicates ? none : train);
  if (const auto seen = valid.size() - static_cast<int64_t>(unseen.size()); seen > 0)
    std::printf("held-out pictures that are trained on too, not to be calibrated on: %ld\n", static_cast<long>(seen));
  return unseen;
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

/// The weights as a file of half precision gives them back: what is measured and fitted is true of the file, to the last picture.
void round_as_stored(FmpnNetImpl& net) {
  const torch::NoGradGuard no_grad;
  for (auto& item : state_of(net)) item.second.copy_(item.second.to(torch::kFloat16));
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

/// The last epoch's model, its result and the report. `unseen`: of `valid`, to calibrate on; `teachers`: their names.
void finish(Trainer& trainer, const RunFolder& run, const FitOptions& o, const DataSet& valid, const std::vector<int64_t>& unseen,
            const std::string& teachers) {
  ModelInfo info = trainer.info();
  round_as_stored(trainer.averaged());
  Validation validation;
  if (valid.size() > 0)
    validation = validate(o.phase == "1" ? Judged::kMasks : Judged::kMasksAndLogits, trainer.averaged(), valid, trainer.class_masks(),
                          info.input_size);
  if (const auto& r2 = validation.mask_r2)
    std::printf("masks: R² %.2f (1: every face's ground truth; 0: no better than one mask for all)\n", *r2);
  std::optional<RunResult> judged;
  if (const auto& logits = validation.logits; logits.defined()) {
    const LabelledLogits data = labelled(logits, valid.labels);
    if (o.fold < 0) calibrate_on(unseen, info, data);
    RunResult result = result_of(o, info, data);
    result.mask_r2 = validation.mask_r2;
    if (info.uses_masks) {
      const auto same = logits_with_mask(trainer.averaged(), valid, info.input_size, validation.mean_mask);
      result.mean_mask_accuracy = accuracy(same, valid.labels);
      std::printf("with the mean mask for every face: accuracy %.4f\n", *result.mean_mask_accuracy);
    }
    info.provenance[o.fold < 0 ? "valid_accuracy" : "test_accuracy"] = std::to_string(result.confusion.accuracy());
    judged = std::move(result);
  }
  const std::time_t now = std::time(nullptr);
  char date[16];
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  info.provenance["date"] = date;
  info.provenance["protocol"] =
      (o.phase == "1" ? "phase 1 alone (PFN and CN are not trained), last epoch of " + std::to_string(o.phase1_epochs)
                      : "last epoch of " + std::to_string(o.phase2_epochs)) +
      ", seed " + std::to_string(o.seed) + ", ablation " + o.ablation + (o.fold < 0 ? "" : ", without fold " + std::to_string(o.fold));
  if (const std::string start = start_of(o); !start.empty()) info.provenance["start"] = start;
  if (validation.mask_r2) info.provenance["mask_r2"] = std::to_string(*validation.mask_r2);
  info.provenance["train_images"] = std::to_string(trainer.train_size());
  if (o.leave_out_duplicates) info.provenance["duplicates"] = "left out of training";
  if (!o.teachers.empty()) {
    char share[16];
    std::snprintf(share, sizeof share, "%g", o.teacher_share);
    info.provenance["teacher"] = teachers + ", share " + share;
  }
  const std::string model = run.file("last.safetensors");
  save_model(model, info, trainer.averaged(), /*half=*/true);
  if (const auto agreement = o.phase == "1" ? std::nullopt : bfloat16_agreement(model, valid)) {
    std::printf("bfloat16 gives the same label on %.2f %% of %s; masks lie %.4f apart at the most\n", 100 * agreement->same_labels,
                held_out(o).c_str(), agreement->mask_difference);
    info.provenance["bf16_agreement"] = std::to_string(agreement->same_labels);
    info.provenance["bf16_mask_difference"] = std::to_string(agreement->mask_difference);
    save_model(model, info, trainer.averaged(), /*half=*/true);
  }
  write_run_report(run, judged);
  if (judged) write_result(run, *judged);  // last of all: who finds it finds a whole run
  std::printf("wrote last.safetensors and report.html in %s\n", run.path().c_str());
}

/// The classes' ground truth, K×1×H×H; zeros for the ablations.
torch::Tensor class_masks(const FitOptions& o) {
  const int side = o.model.crop_size;
  const auto count = static_cast<int64_t>(o.model.classes.size());
  torch::Tensor masks = torch::zeros({count, 1, side, side});
  if (o.ablation != "none") return masks;
  auto values = masks_for(read_masks(masks_of_fold(o.masks, o.fold)), o.model.classes, side, o.missing_mask);
  masks.copy_(torch::from_blob(values.data(), {count, 1, side, side}));
  return masks;
}

void require_all_classes(const FitOptions& o, const DataSet& train, const DataSet& valid) {
  const auto counts = [&](const DataSet& data) { return torch::bincount(data.labels, {}, static_cast<int64_t>(o.model.classes.size())); };
  const auto left = counts(train), held = valid.size() > 0 ? counts(valid) : torch::zeros_like(left);
  for (std::size_t i = 0; i < o.model.classes.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    if (left[k].item<int64_t>() > 0) continue;
    const std::string why = o.leave_out_duplicates             ? "; --leave-out-duplicates may have taken the last"
                            : held[k].item<int64_t>() > 0 ? "; all that there are may be in " + held_out(o)
                                                          : "";
    throw Error(ErrorCode::kBadFormat, o.data + ": no picture of the class '" + o.model.classes[i] + "' to train on" + why);
  }
}

/// FMG of a guided model has in it what the way without masks is to do without.
void require_unguided_start(const FitOptions& o) {
  if (o.ablation != "no-mask" || o.weights.empty()) return;
  const auto provenance = read_model_info(o.weights).provenance;
  const auto protocol = provenance.find("protocol");
  if (protocol == provenance.end() || protocol->second.find("ablation no-mask") == std::string::npos)
    throw Error(ErrorCode::kBadSetting, "--ablation no-mask: " + o.weights +
                                            " has a FMG that was trained with masks (--cn-weights takes its CN alone)");
}

/// Asks the teachers. A resumed run reads what they said, if it was of the same pictures; a new one asks, for a teacher may have been
/// trained anew.
SoftTargets taught_targets(const FitOptions& o, const RunFolder& run, const DataSet& train) {
  const std::string path = run.file("soft-targets.safetensors"), key = soft_targets_key(o.model.classes, train);
  if (auto kept = o.resume ? kept_soft_targets(path, key) : std::nullopt) return *std::move(kept);
  // In float32 a GPU takes several times as long, and a share of a target needs no more than two digits.
  const bool half = parse_device(o.device).is_cuda() && o.precision == "bf16";
  const auto targets = soft_targets(o.teachers, {o.device, half ? Precision::kBf16 : Precision::kAuto, o.threads}, o.model.classes, train);
  if (!g_stop_requested) keep_soft_targets(path, key, targets);
  return targets;
}

/// `not_given`: the options that neither the user nor the recipe gave.
void fit(FitOptions o, const std::string& configuration, const std::set<std::string>& not_given) {
  check(o);
  InputSchedule(o.input_schedule, o.model.input_size);
  parse_device(o.device);  // before anything is written
  RunFolder run(o.run);
  if (!o.check_only || o.resume) run.open("[fit]\n" + configuration, o.resume, not_given);
  keep_memory();
  // LibTorch counts physical cores; training gains from every hardware thread.
  torch::set_num_threads(o.threads > 0 ? o.threads : default_threads());
  torch::set_num_interop_threads(1);
  o.model.classes = classes_of(o.data);
  o.model.color = o.color != "auto" ? o.color : looks_gray(o.data) ? "gray" : "rgb";
  std::printf("the networks see the faces in %s\n", o.model.color == "gray" ? "gray" : "colour");
  o.model.uses_masks = o.ablation != "baseline";
  if (o.ablation == "no-mask") o.lambda_mask = 0;
  if (o.ablation != "none") o.fmg_weights.clear();  // it belongs to the guided way, as phase 1 does
  const Selection training{o.fold < 0 ? o.train_split : "", o.fold, false}, held{o.fold < 0 ? o.valid_split : "", o.fold, true};
  const bool watched = o.fold >= 0 || !o.valid_split.empty();
  // Before the pictures are read, which takes longest.
  if (!o.resume) require_unguided_start(o);
  if (o.ablation == "none" && watched) require_strangers(masks_of_fold(o.masks, o.fold), select_rows(read_manifest(o.data), held));
  const std::int64_t cache = o.check_only ? 0 : static_cast<std::int64_t>(o.cache_mb) * 1'000'000;
  DataSet train = load_data_set(o.data, training, o.model, cache);
  const DataSet valid = watched ? load_data_set(o.data, held, o.model, cache) : DataSet{};
  if (o.leave_out_duplicates) {
    const auto all = train.size();
    train = without_duplicates(train, valid);
    std::printf("pictures left out of training, since they stand in %s too: %ld\n", held_out(o).c_str(),
                static_cast<long>(all - train.size()));
  }
  if (!o.resume) require_all_classes(o, train, valid);
  const torch::Tensor masks = class_masks(o);
  if (o.check_only) {
    if (!o.resume) names_of_teachers(o.teachers, o.model.classes);
    const Trainer trainer(o, run, train, valid, masks);  // reads the weights that it starts from
    if (o.resume) trainer.require_same_data();
    std::printf("%ld pictures to train on, %ld held out; nothing wrong was found\n[fit]\n%s", static_cast<long>(train.size()),
                static_cast<long>(valid.size()), configuration.c_str());
    return;
  }
  stop_on_signals();
  const auto unseen = unseen_pictures(o, train, valid);
  std::string teachers;
  if (!o.teachers.empty()) {
    const SoftTargets soft = taught_targets(o, run, train);
    train.targets = train.targets * (1 - o.teacher_share) + soft.shares * o.teacher_share;
    teachers = soft.teachers;
  }
  Trainer trainer(o, run, train, valid, masks);
  if (!trainer.run())
    throw Error(ErrorCode::kRuntime, run.has_checkpoint() ? "stopped; --resume goes on from the last whole epoch in " + o.run
                                                          : "stopped before the first epoch was whole; begin again, " + o.run + " has nothing yet");
  finish(trainer, run, o, valid, unseen, teachers);
}

}  // namespace

void add_fit(CLI::App& app) {
  auto* c = app.add_subcommand("fit", "Train: phase 1 (FMG alone), phase 2 (FMG, PFN and CN together)");
  auto o = std::make_shared<FitOptions>();
  // A recipe's option may be given again on the command line, and the last one counts.
  c->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  c->add_option("data", o->data, "Prepared data set")->required();
  c->add_option("-o,--output", o->run, "Run folder")->required();
  c->add_flag("--resume", o->resume, "Go on after the last whole epoch in the run folder")->configurable(false);
  c->add_flag("--check", o->check_only, "Train nothing: read data, masks and weights, and print what is wrong, or else all options, resolved")
      ->configurable(false);
  const auto add = [c](const char* name, auto& value, const char* help) { return c->add_option(name, value, help)->capture_default_str(); };
  add("--recipe", o->recipe,
      "Values of all options that are not given: paper, default (small, from scratch), second-cycle to fifth-cycle (on from "
      "that, to the bundled model), fine-tune (from the bundled model to a small data set), large (the paper's networks on FER2013), or a TOML file");
  add("--name", o->model.name, "Model name");
  add("--phase", o->phase, "Phases to run")->check(CLI::IsMember({"1", "2", "both"}));
  add("--ablation", o->ablation, "none; baseline: CN alone; no-mask: no phase 1, no mask loss")
      ->check(CLI::IsMember({"none", "baseline", "no-mask"}));
  add("--masks", o->masks, "Folder of ground-truth masks");
  add("--missing-mask", o->missing_mask, "For a class without a mask")->check(CLI::IsMember({"none", "zero", "mean"}));
  add("--fold", o->fold, "Test fold: trains on the other folds, watches this one; -1: by split");
  add("--train-split", o->train_split, "Split to train on");
  add("--valid-split", o->valid_split, "Split to watch and to calibrate on; empty: none");
  add("--cn", o->model.cn, "Classification net")->check(CLI::IsMember(classification_nets()));
  add("--weights", o->weights, "All networks start from those of this model of fmpn-train");
  add("--cn-weights", o->cn_weights, "CN starts from these: torchvision's .pth or .safetensors, or a model of fmpn-train");
  add("--fmg-weights", o->fmg_weights, "FMG starts from these: a model of fmpn-train, such as `--phase 1` leaves, or a published "
      "<epoch>_net_resface.pth; the ablations ignore it");
  add("--leave-out-duplicates", o->leave_out_duplicates, "Do not train on pictures that are held out too, pixel by pixel");
  add("--teacher", o->teachers, "Model whose answers on the training pictures are learnt beside the labels (distillation); given several "
      "times, the mean of them all")->expected(-1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  add("--teacher-share", o->teacher_share, "Weight of the teachers' distribution in the targets, 0…1; the label has the rest");
  add("--color", o->color, "What the networks see; auto: gray where all faces are")->check(CLI::IsMember({"auto", "gray", "rgb"}));
  add("--cn-width", o->model.cn_width, "Channels of CN's first stage; 64 is torchvision's");
  add("--cn-stem", o->model.cn_stem, "ResNet: imagenet or small")->check(CLI::IsMember({"imagenet", "small"}));
  add("--fmg-width", o->model.fmg_width, "w of FMG");
  add("--input-size", o->model.input_size, "S, 0 or 3 modulo 4; in the paper's recipe 299 for inception_v3 and 224 for the others");
  add("--crop-size", o->model.crop_size, "Side of the prepared crops; in the paper's recipe 320/299 of S");
  add("--mirror-average", o->model.mirror_average, "The model answers with the mean of a face and its mirror image: a second pass of PFN and CN");
  add("--phase1-epochs", o->phase1_epochs, "Epochs of phase 1");
  add("--phase1-constant", o->phase1_constant, "Epochs before the learning rate falls");
  add("--phase1-batch", o->phase1_batch, "Batch of phase 1");
  add("--phase1-lr", o->phase1_lr, "Learning rate of phase 1");
  add("--epochs", o->phase2_epochs, "Epochs of phase 2");
  add("--constant", o->phase2_constant, "Epochs before the learning rate falls");
  add("--batch", o->phase2_batch, "Batch of phase 2");
  add("--lr", o->lr, "Learning rate of CN, and of PFN unless --pfn-lr is given");
  add("--pfn-lr", o->pfn_lr, "Learning rate of PFN; 0: as --lr");
  add("--fmg-lr", o->fmg_lr, "Learning rate of FMG in phase 2");
  add("--optimiser", o->optimiser, "Of phase 2")->check(CLI::IsMember({"adam", "sgd"}));
  add("--schedule", o->schedule, "Learning rate over time")->check(CLI::IsMember({"published", "one-cycle", "trapezoid"}));
  add("--input-schedule", o->input_schedule, "Smaller sides for the first epochs of phase 2: SIDE:EPOCHS,…");
  add("--weight-decay", o->weight_decay, "L2 penalty in phase 2, of FMG and CN; PFN has none");
  add("--lambda-mask", o->lambda_mask, "λ1 of Eq. 5");
  add("--lambda-class", o->lambda_class, "λ2 of Eq. 5");
  add("--augmentation", o->augmentation, "five-crop (the paper's), robust or none")->check(CLI::IsMember({"five-crop", "robust", "none"}));
  add("--initialisation", o->initialisation, "published, or scratch: He, PFN near the identity")
      ->check(CLI::IsMember({"published", "scratch"}));
  add("--label-smoothing", o->label_smoothing, "0…1");
  add("--mixup", o->mixup, "α of Beta(α, α); 0: off; off in the last fifth, or where a trapezoid falls");
  add("--ema", o->ema, "Decay of the averaged weights; 0: off");
  add("--device", o->device, "cpu, cuda or cuda:N");
  add("--cache-mb", o->cache_mb, "Data of more megabytes than this stays on disk and is read as it is needed")
      ->check(CLI::NonNegativeNumber);
  add("--precision", o->precision, "fp32 or bf16")->check(CLI::IsMember({"fp32", "bf16"}));
  add("--seed", o->seed, "Of every random draw");
  add("--threads", o->threads, "0: all cores");
  c->callback([o, c] {
    if (o->recipe == "paper") set_paper_sizes(*c, o->model.cn);
    // A run knows what its recipe said, also when the file is gone.
    const std::string kept = RunFolder(o->run).file("config.toml");
    const bool gone = o->resume && built_in_recipes().count(o->recipe) == 0 && !fs::exists(o->recipe) && fs::exists(kept);
    if (gone) apply_configuration(*c, kept);
    else apply_recipe(*c, o->recipe);
    // A configuration that was written down has an empty list as teacher="".
    o->teachers.erase(std::remove(o->teachers.begin(), o->teachers.end(), ""), o->teachers.end());
    std::set<std::string> not_given;
    for (const CLI::Option* option : c->get_options())
      if (option->count() == 0) not_given.insert(option->get_single_name());
    try {
      fit(*o, c->config_to_str(true), not_given);
    } catch (const c10::Error& fault) {  // without the stack that is in what()
      throw Error(ErrorCode::kRuntime, fault.what_without_backtrace());
    }
  });
}

}  // namespace fmpn::train
