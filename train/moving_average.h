#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace fmpn::train {

/// Copies all parameters and buffers between two modules of one architecture.
void copy_state(const torch::nn::Module& from, torch::nn::Module& to);

/// Moves the weights and batch norms' statistics of one net a little towards another's, all at once.
class MovingAverage {
 public:
  /// `decay`: what stays of the average at a step, 0…1.
  MovingAverage(const torch::nn::Module& net, torch::nn::Module& average, double decay);

  /// `step`: from 0, over the whole phase.
  void update(std::int64_t step);

 private:
  double decay_;
  std::vector<torch::Tensor> net_, average_;
};

}  // namespace fmpn::train
