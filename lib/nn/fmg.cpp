#include "nn/fmg.h"

#include <fmpn/error.h>

#include "nn/in_place_relu.h"
#include "nn/upsample.h"

namespace fmpn {
namespace nn = torch::nn;
namespace {

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(int64_t width)
    : conv_block(register_module(
          "conv_block", nn::Sequential(conv(width, width, 3, 1, 1), nn::BatchNorm2d(width), nn::PReLU(),
                                       conv(width, width, 3, 1, 1), nn::BatchNorm2d(width), nn::PReLU()))) {}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) { return x + conv_block->forward(x); }

FmgImpl::FmgImpl(const FmgOptions& o) : options(o) {
  const int64_t s = o.input_size();
  const int64_t w = o.width();
  if (s < 8 || (s % 4 != 0 && s % 4 != 3))
    throw Error(ErrorCode::kBadSetting, "input size " + std::to_string(s) + ": FMG needs a side of 0 or 3 modulo 4, at least 8");
  if (w < 1 || w > 1024) throw Error(ErrorCode::kBadSetting, "FMG width " + std::to_string(w) + " is not in 1…1024");
  const auto up = [&](int64_t in, int64_t out) { return Upsample(in, out, s % 2); };
  feature_extractor = register_module(
      "feature_extractor",
      nn::Sequential(conv(1, w, 7, 1, 3), nn::BatchNorm2d(w), in_place_relu(), conv(w, 2 * w, 4, 2, 1),
                     nn::BatchNorm2d(2 * w), in_place_relu(), conv(2 * w, 4 * w, 4, 2, 1), nn::BatchNorm2d(4 * w),
                     in_place_relu(), ResidualBlock(4 * w), ResidualBlock(4 * w), ResidualBlock(4 * w), ResidualBlock(4 * w),
                     up(4 * w, 2 * w), nn::BatchNorm2d(2 * w), in_place_relu(), up(2 * w, w), nn::BatchNorm2d(w), in_place_relu()));
  res_top = register_module("res_top", nn::Sequential(conv(w, 1, 7, 1, 3), nn::Sigmoid()));
}

torch::Tensor FmgImpl::forward(const torch::Tensor& gray) {
  TORCH_CHECK(gray.dim() == 4 && gray.size(1) == 1 && gray.size(2) == gray.size(3) && gray.size(3) % 4 == options.input_size() % 4,
              "FMG takes N×1×", options.input_size(), "×", options.input_size(), " or a side with that remainder modulo 4, got ",
              gray.sizes());
  return res_top->forward(feature_extractor->forward(gray));
}

}  // namespace fmpn
