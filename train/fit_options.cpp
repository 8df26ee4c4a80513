#include "fit_options.h"

#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <fmpn/error.h>

#include "nn/classification_net.h"
#include "runtime/engines.h"

namespace fmpn::train {

void add_options(CLI::App& command, FitOptions& o) {
  command.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  command.add_option("data", o.data, "Prepared data set")->required();
  command.add_option("-o,--output", o.run, "Run folder")->required();
  command.add_flag("--resume", o.resume, "Go on after the last whole epoch in the run folder")->configurable(false);
  command.add_flag("--check", o.check_only,
                   "Train nothing: read data, masks and weights, and print what is wrong, or else all options, resolved")
      ->configurable(false);
  command.add_flag("--as-fold", o.as_fold, "Refuse what has no result: cv asks so")->configurable(false)->group("");
  const auto add = [&command](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->capture_default_str();
  };
  add("--recipe", o.recipe,
      "Values of all options that are not given: paper, default (small, from scratch), second-cycle to fifth-cycle (on from "
      "that, to the bundled model), fine-tune (from the bundled model to a small data set), large (the paper's networks on "
      "FER2013), or a TOML file");
  add("--name", o.model.name, "Model name");
  add("--phase", o.phase, "Phases to run")->check(CLI::IsMember({"1", "2", "both"}));
  add("--ablation", o.ablation, "none; baseline: CN alone; no-mask: no phase 1, no mask loss")
      ->check(CLI::IsMember({"none", "baseline", "no-mask"}));
  add("--masks", o.masks, "Folder of ground-truth masks");
  add("--missing-mask", o.missing_mask, "For a class without a mask")->check(CLI::IsMember({"none", "zero", "mean"}));
  add("--fold", o.fold, "Test fold: trains on the other folds, watches this one; -1: by split");
  add("--train-split", o.train_split, "Split to train on");
  add("--valid-split", o.valid_split, "Split to watch and to calibrate on; empty: none");
  add("--cn", o.model.cn, "Classification net")->check(CLI::IsMember(classification_nets()));
  add("--weights", o.weights, "All networks start from those of this model of fmpn-train");
  add("--cn-weights", o.cn_weights, "CN starts from these: torchvision's .pth or .safetensors, or a model of fmpn-train");
  add("--fmg-weights", o.fmg_weights,
      "FMG starts from these: a model of fmpn-train, such as `--phase 1` leaves, or a published <epoch>_net_resface.pth; the "
      "ablations ignore it");
  add("--leave-out-duplicates", o.leave_out_duplicates, "Do not train on pictures that are held out too, pixel by pixel");
  add("--teacher", o.teachers,
      "Model whose answers on the training pictures are learnt beside the labels (distillation); given several times, the mean "
      "of them all")
      ->expected(-1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  add("--teacher-share", o.teacher_share, "Weight of the teachers' distribution in the targets, 0…1; the label has the rest");
  add("--color", o.color, "What the networks see; auto: gray where all faces are")->check(CLI::IsMember({"auto", "gray", "rgb"}));
  add("--cn-width", o.model.cn_width, "Channels of CN's first stage; 64 is torchvision's");
  add("--cn-stem", o.model.cn_stem, "ResNet: imagenet or small")->check(CLI::IsMember({"imagenet", "small"}));
  add("--fmg-width", o.model.fmg_width, "w of FMG");
  add("--input-size", o.model.input_size, "S, 0 or 3 modulo 4; in the paper's recipe 299 for inception_v3 and 224 for the others");
  add("--crop-size", o.model.crop_size, "Side of the prepared crops; in the paper's recipe 320/299 of S");
  add("--mirror-average", o.model.mirror_average,
      "The model answers with the mean of a face and its mirror image: a second pass of PFN and CN");
  add("--phase1-epochs", o.phase1_epochs, "Epochs of phase 1");
  add("--phase1-constant", o.phase1_constant, "Epochs before the learning rate falls");
  add("--phase1-batch", o.phase1_batch, "Batch of phase 1");
  add("--phase1-lr", o.phase1_lr, "Learning rate of phase 1");
  add("--epochs", o.phase2_epochs, "Epochs of phase 2");
  add("--constant", o.phase2_constant, "Epochs before the learning rate falls");
  add("--batch", o.phase2_batch, "Batch of phase 2");
  add("--lr", o.lr, "Learning rate of CN, and of PFN unless --pfn-lr is given");
  add("--pfn-lr", o.pfn_lr, "Learning rate of PFN; 0: as --lr");
  add("--fmg-lr", o.fmg_lr, "Learning rate of FMG in phase 2");
  add("--optimiser", o.optimiser, "Of phase 2")->check(CLI::IsMember({"adam", "sgd"}));
  add("--schedule", o.schedule, "Learning rate over time")->check(CLI::IsMember({"published", "one-cycle", "trapezoid"}));
  add("--input-schedule", o.input_schedule, "Smaller sides for the first epochs of phase 2: SIDE:EPOCHS,…");
  add("--weight-decay", o.weight_decay, "L2 penalty in phase 2, of FMG and CN; PFN has none");
  add("--lambda-mask", o.lambda_mask, "λ1 of Eq. 5");
  add("--lambda-class", o.lambda_class, "λ2 of Eq. 5");
  add("--augmentation", o.augmentation, "five-crop (the paper's), robust or none")->check(CLI::IsMember({"five-crop", "robust", "none"}));
  add("--initialisation", o.initialisation, "published, or scratch: He, PFN near the identity")
      ->check(CLI::IsMember({"published", "scratch"}));
  add("--label-smoothing", o.label_smoothing, "0…1");
  add("--mixup", o.mixup, "α of Beta(α, α); 0: off; off in the last fifth, or where a trapezoid falls");
  add("--ema", o.ema, "Decay of the averaged weights; 0: off");
  add("--device", o.device, "cpu, cuda or cuda:N");
  add("--cache-mb", o.cache_mb, "Data of more megabytes than this stays on disk and is read as it is needed")
      ->check(CLI::NonNegativeNumber);
  add("--precision", o.precision, "fp32 or bf16")->check(CLI::IsMember({"fp32", "bf16"}));
  add("--seed", o.seed, "Of every random draw");
  add("--threads", o.threads, "0: all cores");
}

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
  need(!o.as_fold || o.phase != "1",
       "--phase 1, or `phase` in a recipe or configuration: FMG alone names no expression, so there is no table (fit --fold K --phase 1 "
       "trains it for a fold)");
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

std::string held_out(const FitOptions& o) { return o.fold >= 0 ? "fold " + std::to_string(o.fold) : "split " + o.valid_split; }

}  // namespace fmpn::train
