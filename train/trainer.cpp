#include "trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <fmpn/error.h>

#include "batches.h"
#include "data_fingerprint.h"
#include "interrupt.h"
#include "mask_samples.h"
#include "moving_average.h"
#include "optimisation.h"
#include "origin.h"
#include "progress.h"
#include "runtime/device.h"
#include "runtime/model_file.h"
#include "schedule.h"
#include "validation.h"

namespace fmpn::train {

Trainer::Trainer(const FitOptions& options, RunFolder run, DataSet train, DataSet valid, torch::Tensor class_masks, FmpnNet net)
    : options_(options),
      run_(std::move(run)),
      train_(std::move(train)),
      valid_(std::move(valid)),
      class_masks_(std::move(class_masks)),
      fingerprint_(data_fingerprint(options_.model, train_, valid_, class_masks_)),
      input_schedule_(options_.input_schedule, options_.model.input_size),
      device_(parse_device(options.device)),
      net_(std::move(net)),
      average_(options.model) {
  use_exact_cuda(device_);
  // Both alike, or the average would be taken weight by weight.
  for (FmpnNetImpl* each : {net_.get(), average_.get()}) {
    each->to(device_);
    lay_channels_last(*each);
  }
  copy_state(*net_, *average_);
}

torch::Tensor Trainer::loss_of(int phase, const TrainingBatch& batch, LossSums& sums) {
  const Losses losses = losses_of(options_, phase, *net_, batch.images, batch.target);
  const auto n = static_cast<double>(batch.target.size(0));
  if (losses.mask.defined()) sums.mask += losses.mask.to(torch::kFloat64) * n;
  if (losses.classes.defined()) sums.classes += losses.classes.to(torch::kFloat64) * n;
  return losses.total;
}

Trainer::EpochLosses Trainer::train_epoch(int phase, int epoch) {
  const std::uint64_t seed = options_.seed * 1000003 + static_cast<std::uint64_t>(phase) * 100000 + static_cast<std::uint64_t>(epoch);
  torch::manual_seed(seed);
  net_->train();
  Batches batches(options_, train_, class_masks_, torch::randperm(train_.size()),
                  phase == 1 ? options_.phase1_batch : options_.phase2_batch, seed, mixes(options_, phase, epoch),
                  phase == 1 ? options_.model.input_size : input_schedule_.side(epoch), device_);
  const int64_t steps = batches.steps();
  Progress progress("phase " + std::to_string(phase) + " epoch " + std::to_string(epoch), train_.size());
  const auto double_here = torch::TensorOptions(torch::kFloat64).device(device_);
  LossSums sums{torch::zeros({}, double_here), torch::zeros({}, double_here)};
  MovingAverage average(*net_, *average_, options_.ema);
  long done = 0;
  for (int64_t step = 0; step < steps && !g_stop_requested; ++step) {
    set_learning_rates(*optimiser_, options_, phase, epoch, static_cast<double>(step) / static_cast<double>(steps));
    const TrainingBatch batch = batches.next();
    optimiser_->zero_grad();
    loss_of(phase, batch, sums).backward();
    optimiser_->step();
    if (options_.ema > 0) average.update((epoch - 1) * steps + step);
    progress.update(done += batch.target.size(0));
  }
  const auto n = static_cast<double>(train_.size());
  return {sums.mask.item<double>() / n, sums.classes.item<double>() / n};
}

void Trainer::report(int phase, int epoch, const EpochLosses& losses, double seconds) {
  EpochMetrics metrics{phase, epoch, losses.mask, losses.classes};
  if (valid_.size() > 0) {
    // In the precision of the training; the last model's result is measured at the end, in float32.
    const Validation validation = validate(phase == 1 ? Judged::kMasks : Judged::kMasksAndLogits, averaged(), valid_, class_masks_,
                                           options_.model.input_size, options_.precision == "bf16");
    metrics.mask_r2 = validation.mask_r2;
    if (phase == 2) metrics.valid_accuracy = accuracy(validation.logits, valid_.labels);
    // A fold's held-out pictures are its test: no model is chosen by them.
    if (options_.fold < 0 && metrics.valid_accuracy.value_or(0) > best_accuracy_) {
      ModelInfo best = options_.model;
      best.provenance["protocol"] = protocol_of(options_, epoch);
      best.provenance["valid_accuracy"] = std::to_string(*metrics.valid_accuracy);
      save_model(run_.file("best.safetensors"), best, averaged(), /*half=*/false);
    }
    best_accuracy_ = std::max(best_accuracy_, metrics.valid_accuracy.value_or(0));
  }
  metrics.learning_rate = optimiser_->param_groups().front().options().get_lr();
  metrics.images_per_second = static_cast<double>(train_.size()) / seconds, metrics.seconds = seconds;
  run_.add(metrics);
  std::printf("phase %d epoch %d: mask loss %.4f", phase, epoch, losses.mask);
  if (metrics.mask_r2) std::printf(", held-out R² of the masks %.2f", *metrics.mask_r2);
  if (phase == 2) std::printf(", class loss %.4f", losses.classes);
  if (metrics.valid_accuracy) std::printf(", valid accuracy %.4f (best %.4f)", *metrics.valid_accuracy, best_accuracy_);
  std::printf(", %.0f s\n", seconds);
  std::fflush(stdout);
}

bool Trainer::run_phase(int phase) {
  const int epochs = phase == 1 ? options_.phase1_epochs : options_.phase2_epochs;
  const int constant = phase == 1 ? options_.phase1_constant : options_.phase2_constant;
  if (options_.schedule != "one-cycle" && constant > epochs)
    std::printf("phase %d: the learning rate does not fall, %s %d is more than its %d epochs\n", phase,
                phase == 1 ? "--phase1-constant" : "--constant", constant, epochs);
  int first = 1;
  if (done_.phase == phase) first = done_.epoch + 1;  // load_checkpoint() made the optimiser
  else optimiser_ = make_optimiser(options_, phase, *net_);
  for (int epoch = first; epoch <= epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    const EpochLosses losses = train_epoch(phase, epoch);
    if (g_stop_requested) return false;
    if (!std::isfinite(losses.mask + losses.classes))
      throw Error(ErrorCode::kRuntime,
                  "phase " + std::to_string(phase) + " epoch " + std::to_string(epoch) +
                      ": the loss is no finite number any more (a smaller learning rate may help)" +
                      (done_.epoch > 0 ? "; the epoch before is in the checkpoint" : ""));
    report(phase, epoch, losses, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    save(phase, epoch);
  }
  return true;
}

bool Trainer::run() {
  if (options_.resume) load_checkpoint();
  run_.cut_after(done_.phase, done_.epoch);
  const bool guided = options_.ablation == "none";
  const bool has_phase1 = options_.phase != "2" && options_.phase1_epochs > 0;
  if (guided && !has_phase1 && done_.phase == 0 && options_.weights.empty() && options_.fmg_weights.empty())
    std::printf("FMG starts from drawn weights and has no phase 1 (--fmg-weights gives it another run's)\n");
  if (guided && has_phase1 && done_.phase < 2) {
    if (!run_phase(1)) return false;
    write_samples("samples-phase1.png", "After phase 1: face, generated mask, ground truth");
  }
  if (options_.phase == "1") return true;
  if (done_.phase < 2) {
    // Phase 2 goes on from the FMG that phase 1 was judged by, as with --fmg-weights from a run of phase 1.
    if (options_.ema > 0) copy_state(*average_, *net_);
    else copy_state(*net_, *average_);
  }
  if (!run_phase(2)) return false;
  if (guided) write_samples("samples.png", "After phase 2: face, generated mask, ground truth");
  return true;
}

void Trainer::write_samples(const std::string& name, const std::string& title) {
  const DataSet& data = valid_.size() > 0 ? valid_ : train_;
  write_image(run_.file(name),
              mask_samples(averaged(), data, class_masks_, options_.model.classes, options_.model.input_size, title).view());
}

void Trainer::save(int phase, int epoch) {
  const Milestone here{phase, epoch, best_accuracy_};
  save_checkpoint(run_.file("checkpoint.pt"), here, fingerprint_, *net_, *average_, *optimiser_);
  done_ = here;
}

void Trainer::load_checkpoint() {
  Checkpoint checkpoint(run_.file("checkpoint.pt"), device_);
  checkpoint.require_data(fingerprint_);
  done_ = checkpoint.milestone();
  best_accuracy_ = done_.best_accuracy;
  // Sums depend on it; the number of cores, or OMP_NUM_THREADS, may be another one by now.
  if (const int threads = checkpoint.threads(); options_.threads == 0 && threads > 0) torch::set_num_threads(threads);
  if (checkpoint.draws() != kDraws)
    std::printf("the run was begun by a version that drew batches otherwise: it goes on, but not bit for bit as it would have there\n");
  checkpoint.restore(*net_, *average_);
  optimiser_ = make_optimiser(options_, done_.phase, *net_);
  checkpoint.restore(*optimiser_);
}

}  // namespace fmpn::train
