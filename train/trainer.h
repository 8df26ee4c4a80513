#pragma once

#include <memory>
#include <string>

#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include "batches.h"
#include "checkpoint.h"
#include "data_set.h"
#include "fit_options.h"
#include "input_schedule.h"
#include "nn/fmpn_net.h"
#include "run_folder.h"

namespace fmpn::train {

/// Runs the two phases of the method epoch by epoch, with a checkpoint after each; a signal
/// (interrupt.h) ends it after the step under way. A run is a function of options and data: the generator is seeded anew
/// every epoch, so a resumed run repeats it bit for bit.
class Trainer {
 public:
  /// `valid` may be empty. Metrics, models and checkpoints go to `run`, which is open. `net`: initial_net().
  Trainer(const FitOptions& options, RunFolder run, DataSet train, DataSet valid, torch::Tensor class_masks, FmpnNet net);

  /// Trains what is left to train. False: stopped by a signal. Throws kBadSetting where the run's checkpoint was made of other data,
  /// kBadFormat for a broken one, kIo.
  bool run();
  FmpnNetImpl& averaged() { return *(options_.ema > 0 ? average_ : net_); }
  const ModelInfo& info() const { return options_.model; }
  const torch::Tensor& class_masks() const { return class_masks_; }
  int64_t train_size() const { return train_.size(); }

 private:
  struct EpochLosses {
    double mask = 0, classes = 0;
  };
  /// Of the pictures so far, summed where they are computed: asking a GPU for a number at every step would keep it waiting.
  struct LossSums {
    torch::Tensor mask, classes;
  };
  bool run_phase(int phase);
  EpochLosses train_epoch(int phase, int epoch);
  torch::Tensor loss_of(int phase, const TrainingBatch& batch, LossSums& sums);
  void report(int phase, int epoch, const EpochLosses& losses, double seconds);
  void write_samples(const std::string& name, const std::string& title);
  void save(int phase, int epoch);
  void load_checkpoint();

  FitOptions options_;
  RunFolder run_;
  DataSet train_, valid_;
  torch::Tensor class_masks_;  ///< K×1×H×H
  std::string fingerprint_;    ///< of the data, see data_fingerprint.h
  InputSchedule input_schedule_;
  torch::Device device_;
  FmpnNet net_, average_;
  std::unique_ptr<torch::optim::Optimizer> optimiser_;
  Milestone done_;  ///< newest checkpoint
  double best_accuracy_ = 0;
};

}  // namespace fmpn::train
