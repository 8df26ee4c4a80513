#include "nn/upsample.h"

#include <torch/csrc/jit/frontend/tracer.h>

namespace fmpn {

torch::Tensor upsampling_phases(const torch::Tensor& weight) {
  // With a row of padding, row m of a 2×2 convolution sees input rows m − 1 and m. They feed output row 2m − 1 by taps 2 and 0,
  // and row 2m by taps 3 and 1.
  const auto taps = torch::tensor({2, 0, 3, 1}, torch::TensorOptions(torch::kLong).device(weight.device()));
  return weight.index_select(2, taps)
      .index_select(3, taps)
      .view({weight.size(0), weight.size(1), 2, 2, 2, 2})
      .permute({2, 4, 1, 0, 3, 5});
}

UpsampleImpl::UpsampleImpl(int64_t in, int64_t out, int64_t output_padding)
    : ConvTranspose2dImpl(
          torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1).output_padding(output_padding).bias(false)),
      output_padding_(output_padding) {}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x) {
  // Whoever writes the net down wants to know what is meant, not how torch does it best.
  if (torch::jit::tracer::isTracing()) return ConvTranspose2dImpl::forward(x);
  // A pixel shuffle takes the phases of an output channel together.
  const auto kernel =
      upsampling_phases(weight).permute({2, 0, 1, 3, 4, 5}).reshape({-1, x.size(1), 2, 2}).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto y = torch::pixel_shuffle(torch::conv2d(x, kernel, {}, 1, 1), 2);  // from row and column −1
  return y.narrow(2, 1, 2 * x.size(2) + output_padding_).narrow(3, 1, 2 * x.size(3) + output_padding_);
}

}  // namespace fmpn
