#pragma once

#include <cstdint>
#include <future>

#include <torch/types.h>

#include "augmentation.h"
#include "data_set.h"
#include "fit_options.h"

namespace fmpn::train {

/// What a training step takes.
struct TrainingBatch {
  Batch images;
  torch::Tensor target;  ///< N×K class shares
};

/// Makes the batches of an epoch in their order, each on a thread of its own while the step before it is under way: crops
/// read (and decoded, where they are not in memory), cut and augmented, mixed up. Every batch draws from a generator
/// seeded by epoch and step, so that neither the threads nor an interruption changes a run.
class Batches {
 public:
  /// `order`: a permutation of the data, N int64. The last batch may be smaller; one picture that is left over joins the batch before it,
  /// for batch norm takes two at least. Pictures and masks come out at `side` px, on `device`, which augments them. `data` must outlive it.
  /// `class_masks`: K×1×H×H.
  Batches(const FitOptions& options, const DataSet& data, const torch::Tensor& class_masks, torch::Tensor order, std::int64_t batch,
          std::uint64_t seed, bool mix, int side, const torch::Device& device);

  std::int64_t steps() const { return steps_; }
  /// The next batch; steps() of them. Throws what reading it threw.
  TrainingBatch next();

 private:
  TrainingBatch make(std::int64_t step) const;
  void start();

  const FitOptions& options_;
  const DataSet& data_;
  torch::Tensor class_masks_;
  torch::Tensor order_;
  std::int64_t batch_, steps_, started_ = 0;
  std::uint64_t seed_;
  bool mix_;
  int side_;
  torch::Device device_;
  std::future<TrainingBatch> ahead_;  // its destructor waits for the thread
};

}  // namespace fmpn::train
