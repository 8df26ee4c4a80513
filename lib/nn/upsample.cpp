#include "nn/upsample.h"

#include <torch/csrc/jit/frontend/tracer.h>

namespace fmpn {
namespace F = torch::nn::functional;

UpsampleImpl::UpsampleImpl(int64_t in, int64_t out, int64_t output_padding)
    : ConvTranspose2dImpl(
          torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1).output_padding(output_padding).bias(false)),
      output_padding_(output_padding) {}

torch::Tensor UpsampleImpl::convolution_weight() const {
  // Output row 2m is fed by input rows m-1 (tap 3) and m (tap 1); row 2m+1 by m (tap 2) and m+1 (tap 0). Index 4 is zero.
  const auto taps = torch::tensor({3, 1, 4, 4, 2, 0}, torch::TensorOptions(torch::kLong).device(weight.device()));
  const auto padded = F::pad(weight, F::PadFuncOptions({0, 1, 0, 1}));
  const auto in = weight.size(0), out = weight.size(1);
  return padded.index_select(2, taps)
      .index_select(3, taps)
      .view({in, out, 2, 3, 2, 3})
      .permute({1, 2, 4, 0, 3, 5})
      .reshape({4 * out, in, 3, 3});
}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x) {
  // Whoever writes the net down wants to know what is meant, not how torch does it best.
  if (torch::jit::tracer::isTracing()) return ConvTranspose2dImpl::forward(x);
  const auto padded = output_padding_ == 0 ? x : F::pad(x, F::PadFuncOptions({0, 1, 0, 1}));
  const auto kernel = convolution_weight().contiguous(torch::MemoryFormat::ChannelsLast);
  const auto y = torch::pixel_shuffle(torch::conv2d(padded, kernel, {}, 1, 1), 2);
  return y.narrow(2, 0, 2 * x.size(2) + output_padding_).narrow(3, 0, 2 * x.size(3) + output_padding_);
}

}  // namespace fmpn
