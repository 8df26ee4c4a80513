// fmpn-train fit: the two phases on a prepared data set, into a run folder.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <c10/util/Exception.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fmpn/error.h>

#include "checkpoint.h"
#include "commands.h"
#include "data_fingerprint.h"
#include "data_set.h"
#include "finished_run.h"
#include "fit_options.h"
#include "initial_net.h"
#include "input_schedule.h"
#include "interrupt.h"
#include "keep_memory.h"
#include "manifest.h"
#include "mask_people.h"
#include "mask_set.h"
#include "origin.h"
#include "recipe.h"
#include "run_folder.h"
#include "runtime/device.h"
#include "runtime/engines.h"
#include "runtime/model_file.h"
#include "seen_pictures.h"
#include "teacher.h"
#include "trainer.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

/// The held-out pictures that may be calibrated on: all but those that stand among the training pictures too, pixel by pixel. Also where
/// they are left out of training: a model that this one starts from, or learns from, may have seen them.
std::vector<int64_t> unseen_pictures(const FitOptions& o, const DataSet& train, const DataSet& valid) {
  // A fold's held-out pictures are its test: nothing is fitted to them.
  if (o.fold >= 0 || o.phase == "1" || valid.size() == 0) return {};
  auto unseen = indices_not_in(valid, train);
  if (const auto seen = valid.size() - static_cast<int64_t>(unseen.size()); seen > 0)
    std::printf("held-out pictures that stand among those to train on too, not to be calibrated on: %ld\n", static_cast<long>(seen));
  return unseen;
}

/// Where the run starts from, or learns from, a model that has seen what is held out, its accuracy is none of new faces.
void warn_of_seen_pictures(const FitOptions& o, const Selection& held) {
  std::vector<std::pair<const char*, std::string>> models{
      {"--weights", o.weights}, {"--cn-weights", o.cn_weights}, {"--fmg-weights", o.fmg_weights}};
  for (const std::string& teacher : o.teachers) models.emplace_back("--teacher", teacher);
  for (const auto& [option, path] : models) {
    if (path.empty()) continue;
    std::string seen;
    try {
      seen = seen_of(read_model_info(path), o.data, held);
    } catch (const Error&) {
      continue;  // torchvision's, the authors', or none: who reads its weights tells what is wrong with it
    }
    if (!seen.empty())
      std::fprintf(stderr, "fmpn-train: warning: %s %s was trained on %s: what comes of it on %s says nothing of new faces\n", option,
                   path.c_str(), seen.c_str(), held_out(o).c_str());
  }
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
    const std::string why = o.leave_out_duplicates        ? "; --leave-out-duplicates may have taken the last"
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

/// What the data and the ablation decide of the options.
void settle(FitOptions& o, const std::vector<ManifestRow>& rows) {
  o.model.classes = classes_of(o.data, rows);
  o.model.color = o.color != "auto" ? o.color : looks_gray(o.data, rows) ? "gray" : "rgb";
  o.model.uses_masks = o.ablation != "baseline";
  if (o.ablation == "no-mask") o.lambda_mask = 0;
  if (o.ablation != "none") o.fmg_weights.clear();  // it belongs to the guided way, as phase 1 does
}

struct Data {
  DataSet train, valid;
  std::vector<int64_t> unseen;  ///< of `valid`, what may be calibrated on
};

/// Reads the pictures, which takes longest: what can be told before is told before.
Data open_data(const FitOptions& o, const std::vector<ManifestRow>& rows) {
  const Selection training{o.fold < 0 ? o.train_split : "", o.fold, false}, held{o.fold < 0 ? o.valid_split : "", o.fold, true};
  const bool watched = o.fold >= 0 || !o.valid_split.empty();
  if (!o.resume) require_unguided_start(o);
  if (watched) warn_of_seen_pictures(o, held);
  if (o.ablation == "none" && watched) require_strangers(masks_of_fold(o.masks, o.fold), select_rows(rows, held), rows);
  const std::int64_t cache = o.check_only ? 0 : static_cast<std::int64_t>(o.cache_mb) * 1'000'000;
  Data data;
  data.train = load_data_set(o.data, rows, training, o.model, cache);
  if (watched) data.valid = load_data_set(o.data, rows, held, o.model, cache);
  if (!o.check_only) data.unseen = unseen_pictures(o, data.train, data.valid);
  if (o.leave_out_duplicates) {
    const auto all = data.train.size();
    data.train = without_duplicates(data.train, data.valid);
    std::printf("pictures left out of training, since they stand in %s too: %ld\n", held_out(o).c_str(),
                static_cast<long>(all - data.train.size()));
  }
  if (!o.resume) require_all_classes(o, data.train, data.valid);
  return data;
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
  const auto rows = read_manifest(o.data);
  settle(o, rows);
  std::printf("the networks see the faces in %s\n", o.model.color == "gray" ? "gray" : "colour");
  auto [train, valid, unseen] = open_data(o, rows);
  const torch::Tensor masks = class_masks(o);
  if (o.check_only) {
    if (!o.resume) names_of_teachers(o.teachers, o.model.classes);
    initial_net(o);  // reads the weights that it starts from
    if (o.resume)
      Checkpoint(run.file("checkpoint.pt"), torch::kCPU).require_data(data_fingerprint(o.model, train, valid, masks));
    std::printf("%ld pictures to train on, %ld held out; nothing wrong was found\n[fit]\n%s", static_cast<long>(train.size()),
                static_cast<long>(valid.size()), configuration.c_str());
    return;
  }
  stop_on_signals();
  std::string teachers;
  if (!o.teachers.empty()) {
    const SoftTargets soft = taught_targets(o, run, train);
    train.targets = train.targets * (1 - o.teacher_share) + soft.shares * o.teacher_share;
    teachers = soft.teachers;
  }
  o.model.provenance = origin_of(o, train.size(), teachers);
  Trainer trainer(o, run, train, valid, masks, initial_net(o));
  if (!trainer.run())
    throw Error(ErrorCode::kRuntime,
                run.has_checkpoint() ? "stopped; --resume goes on from the last whole epoch in " + o.run
                                     : "stopped before the first epoch was whole; begin again, " + o.run + " has nothing yet");
  write_finished_run(trainer, run, o, valid, unseen);
}

}  // namespace

void add_fit(CLI::App& app) {
  auto* c = app.add_subcommand("fit", "Train: phase 1 (FMG alone), phase 2 (FMG, PFN and CN together)");
  auto o = std::make_shared<FitOptions>();
  add_options(*c, *o);
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
