#pragma once

#include "nn/torch_nn.h"

namespace fmpn {

/// x + [conv 3×3 · BN · PReLU · conv 3×3 · BN · PReLU]: the second PReLU stands before the sum, nothing after it.
struct ResidualBlockImpl : torch::nn::Module {
  explicit ResidualBlockImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& x);
  torch::nn::Sequential conv_block;
};
TORCH_MODULE(ResidualBlock);

struct FmgOptions {
  explicit FmgOptions(int64_t input_size, int64_t width = 64) : input_size_(input_size), width_(width) {}
  TORCH_ARG(int64_t, input_size);  ///< S; 0 or 3 modulo 4
  TORCH_ARG(int64_t, width);       ///< w; 64 in the paper's model
};

/// Facial-motion mask generator: gray N×1×S×S in [0,1] → mask N×1×S×S in (0,1), float.
struct FmgImpl : torch::nn::Module {
  /// Throws Error(kBadSetting) for an S that the two halvings cannot undo.
  explicit FmgImpl(const FmgOptions& options);
  torch::Tensor forward(const torch::Tensor& gray);
  FmgOptions options;
  torch::nn::Sequential feature_extractor;
  torch::nn::Sequential res_top;
};
TORCH_MODULE(Fmg);

}  // namespace fmpn
