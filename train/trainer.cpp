#include "trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>

#include <torch/serialize/archive.h>

#include <fmpn/error.h>

#include "augmentation.h"
#include "batches.h"
#include "data_fingerprint.h"
#include "files/whole_file.h"
#include "interrupt.h"
#include "mask_samples.h"
#include "optimisation.h"
#include "origin.h"
#include "progress.h"
#include "pth_file.h"
#include "runtime/device.h"
#include "runtime/model_file.h"
#include "schedule.h"
#include "start_weights.h"
#include "validation.h"

namespace fmpn::train {

namespace {

std::vector<torch::Tensor> state_list(torch::nn::Module& net) {
  std::vector<torch::Tensor> state;
  for (auto& item : net.named_parameters()) state.push_back(item.value());
  for (auto& item : net.named_buffers()) state.push_back(item.value());
  return state;
}

void copy_state(torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto source = state_list(from), target = state_list(to);
  for (std::size_t i = 0; i < source.size(); ++i) target[i].copy_(source[i]);
}

/// Moves the weights and batch norms' statistics of one net a little towards another's, all at once.
class MovingAverage {
 public:
  MovingAverage(torch::nn::Module& net, torch::nn::Module& average, double decay) : decay_(decay) {
    const auto from = state_list(net), to = state_list(average);
    for (std::size_t i = 0; i < from.size(); ++i)
      if (from[i].is_floating_point()) net_.push_back(from[i].detach()), average_.push_back(to[i].detach());
  }

  /// `step`: from 0, over the whole phase.
  void update(int64_t step) {
    const torch::NoGradGuard no_grad;
    // Young averages forget faster: else the first weights, and batch norm's first variances, stay in for epochs.
    const double decay = std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
    at::_foreach_add_(average_, at::_foreach_sub(net_, average_), 1 - decay);
  }

 private:
  double decay_;
  std::vector<torch::Tensor> net_, average_;
};

template <typename F>
void read_checkpoint(const std::string& path, const F& read) {
  try {
    read();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": not a readable checkpoint (" + std::string(fault.what()).substr(0, 200) + ")");
  }
}

}  // namespace

Trainer::Trainer(const FitOptions& options, RunFolder run, DataSet train, DataSet valid, torch::Tensor class_masks)
    : options_(options),
      run_(std::move(run)),
      train_(std::move(train)),
      valid_(std::move(valid)),
      class_masks_(std::move(class_masks)),
      fingerprint_(data_fingerprint(options_.model, train_, valid_, class_masks_)),
      input_schedule_(options_.input_schedule, options_.model.input_size),
      device_(parse_device(options.device)),
      net_(options.model),
      average_(options.model) {
  if (input_schedule_.smallest() < net_->cn->smallest_side())
    throw Error(ErrorCode::kBadSetting, "--input-schedule: " + options_.model.cn + " takes sides of " +
                                            std::to_string(net_->cn->smallest_side()) + " and more");
  use_exact_cuda(device_);
  torch::manual_seed(options_.seed);
  initialise_as_published(*net_);
  if (options_.initialisation == "scratch") {
    initialise_for_scratch(*net_->cn);
    if (net_->uses_masks) {
      initialise_for_scratch(*net_->fmg);
      start_near_identity(*net_->pfn);
    }
  }
  if (!options_.resume) {  // a resumed run finds them in its checkpoint
    const auto tell = [](const std::string& path, const StartWeights& found) {
      std::printf("%s:\n%s", path.c_str(), found.text().c_str());
    };
    const std::string& whole = options_.weights;
    const std::string& cn = options_.cn_weights;
    const std::string& fmg = options_.fmg_weights;
    if (!whole.empty()) tell(whole, load_start_weights(whole, read_safetensors(whole), *net_));
    if (!cn.empty()) tell(cn, load_cn_weights(cn, read_weights(cn), *net_->cn));
    if (!fmg.empty()) tell(fmg, load_fmg_weights(fmg, read_weights(fmg), *net_->fmg));
  }
  net_->to(device_);
  average_->to(device_);
  // Both alike, or the average would be taken weight by weight.
  lay_channels_last(*net_);
  lay_channels_last(*average_);
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
  if (done_phase_ == phase) first = done_epoch_ + 1;  // load_checkpoint() made the optimiser
  else optimiser_ = make_optimiser(options_, phase, *net_);
  for (int epoch = first; epoch <= epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    const EpochLosses losses = train_epoch(phase, epoch);
    if (g_stop_requested) return false;
    if (!std::isfinite(losses.mask + losses.classes))
      throw Error(ErrorCode::kRuntime,
                  "phase " + std::to_string(phase) + " epoch " + std::to_string(epoch) +
                      ": the loss is no finite number any more (a smaller learning rate may help)" +
                      (done_epoch_ > 0 ? "; the epoch before is in the checkpoint" : ""));
    report(phase, epoch, losses, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    save_checkpoint(phase, epoch);
  }
  return true;
}

bool Trainer::run() {
  if (options_.resume) load_checkpoint();
  run_.cut_after(done_phase_, done_epoch_);
  const bool guided = options_.ablation == "none";
  const bool has_phase1 = options_.phase != "2" && options_.phase1_epochs > 0;
  if (guided && !has_phase1 && done_phase_ == 0 && options_.weights.empty() && options_.fmg_weights.empty())
    std::printf("FMG starts from drawn weights and has no phase 1 (--fmg-weights gives it another run's)\n");
  if (guided && has_phase1 && done_phase_ < 2) {
    if (!run_phase(1)) return false;
    write_samples("samples-phase1.png", "After phase 1: face, generated mask, ground truth");
  }
  if (options_.phase == "1") return true;
  if (done_phase_ < 2) {
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

void Trainer::save_checkpoint(int phase, int epoch) {
  const std::string path = run_.file("checkpoint.pt");
  std::exception_ptr fault;
  WholeFile file(path);
  try {
    torch::serialize::OutputArchive archive, net, average, optimiser;
    net_->save(net);
    average_->save(average);
    optimiser_->save(optimiser);
    archive.write("net", net);
    archive.write("average", average);
    archive.write("optimiser", optimiser);
    archive.write("data", c10::IValue(fingerprint_));
    archive.write("phase", c10::IValue(phase));
    archive.write("epoch", c10::IValue(epoch));
    archive.write("best_accuracy", c10::IValue(best_accuracy_));
    archive.write("threads", c10::IValue(torch::get_num_threads()));
    archive.save_to([&](const void* bytes, std::size_t count) -> std::size_t {
      try {
        if (!fault) file.append(bytes, count);
      } catch (...) {
        fault = std::current_exception();
      }
      return count;  // always: a writer that is told of a fault throws in its destructor
    });
  } catch (const std::exception& other) {
    throw Error(ErrorCode::kIo, path + ": the checkpoint cannot be written (" + std::string(other.what()).substr(0, 200) + ")");
  }
  if (fault) std::rethrow_exception(fault);
  file.commit(/*durable=*/true);
  done_phase_ = phase, done_epoch_ = epoch;
}

/// A run of an older version does not say what it is trained on.
void Trainer::require_same_data(torch::serialize::InputArchive& checkpoint) const {
  c10::IValue kept;
  if (!checkpoint.try_read("data", kept)) return;
  const std::string difference = fingerprint_difference(fingerprint_, kept.toStringRef());
  if (!difference.empty()) throw Error(ErrorCode::kBadSetting, run_.path() + ": the run was started with other data: " + difference);
}

void Trainer::require_same_data() const {
  const std::string path = run_.file("checkpoint.pt");
  read_checkpoint(path, [&] {
    torch::serialize::InputArchive archive;
    archive.load_from(path, device_);
    require_same_data(archive);
  });
}

void Trainer::load_checkpoint() {
  const std::string path = run_.file("checkpoint.pt");
  read_checkpoint(path, [&] {
    torch::serialize::InputArchive archive, net, average, optimiser;
    archive.load_from(path, device_);
    require_same_data(archive);
    c10::IValue phase, epoch, best;
    archive.read("phase", phase);
    archive.read("epoch", epoch);
    archive.read("best_accuracy", best);
    done_phase_ = static_cast<int>(phase.toInt());
    done_epoch_ = static_cast<int>(epoch.toInt());
    best_accuracy_ = best.toDouble();
    // Sums depend on it; the number of cores, or OMP_NUM_THREADS, may be another one by now.
    if (c10::IValue threads; options_.threads == 0 && archive.try_read("threads", threads))
      torch::set_num_threads(static_cast<int>(threads.toInt()));
    archive.read("net", net);
    archive.read("average", average);
    archive.read("optimiser", optimiser);
    net_->load(net);
    average_->load(average);
    lay_channels_last(*net_);  // an older checkpoint's may lie otherwise
    lay_channels_last(*average_);
    optimiser_ = make_optimiser(options_, done_phase_, *net_);
    optimiser_->load(optimiser);
  });
}

}  // namespace fmpn::train
