#pragma once

#include "nn/torch_nn.h"

namespace fmpn {

/// A transposed convolution of kernel 4, stride 2, padding 1, computed as a 2×2 convolution and a pixel shuffle: the same
/// sums and the same state dict as torch::nn::ConvTranspose2d, but many times faster on a CPU, backwards most of all.
/// N×in×H×W → N×out×(2H+p)×(2W+p), p = output_padding 0 or 1, any floating type.
class UpsampleImpl : public torch::nn::ConvTranspose2dImpl {
 public:
  UpsampleImpl(int64_t in, int64_t out, int64_t output_padding);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  /// The 4·out×in×2×2 weight of the equal convolution with a pixel of padding; channel 4·o + 2·a + b makes the outputs at rows 2m − 1 + a,
  /// columns 2n − 1 + b.
  torch::Tensor phase_weight() const;

  int64_t output_padding_;
};
TORCH_MODULE(Upsample);

}  // namespace fmpn
