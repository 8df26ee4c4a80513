#pragma once

#include "nn/torch_nn.h"

namespace fmpn {

// ReLU in place of its input, which nothing else may need: a pass over memory less, forwards and backwards. Batch norms and convolutions
// need their inputs for the way back, not their outputs.

inline torch::Tensor in_place_relu(torch::Tensor x) { return x.relu_(); }

/// The same as a module.
inline torch::nn::ReLU in_place_relu() { return torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)); }

}  // namespace fmpn
