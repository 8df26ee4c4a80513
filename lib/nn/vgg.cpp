#include "nn/vgg.h"

#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/pooling.h>

#include "nn/in_place_relu.h"

namespace fmpn {
namespace nn = torch::nn;
namespace {

/// Five stages of 3×3 convolutions, each halved at its end; the number of channels doubles up to 8 · width.
nn::Sequential features(int depth, bool batch_norm, int64_t width) {
  TORCH_CHECK(depth == 16 || depth == 19, "VGG of ", depth, " layers: 16 and 19 are known");
  nn::Sequential all;
  int64_t in = 3;
  for (int stage = 0; stage < 5; ++stage) {
    const int64_t out = width * std::min(8, 1 << stage);
    const int convolutions = stage < 2 ? 2 : depth == 16 ? 3 : 4;
    for (int i = 0; i < convolutions; ++i) {
      all->push_back(nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)));
      if (batch_norm) all->push_back(nn::BatchNorm2d(out));
      all->push_back(in_place_relu());
      in = out;
    }
    all->push_back(nn::MaxPool2d(2));
  }
  return all;
}

}  // namespace

VggImpl::VggImpl(int depth, bool batch_norm, int64_t classes, int64_t width)
    : features_(register_module("features", features(depth, batch_norm, width))),
      classifier_(register_module("classifier", nn::Sequential(nn::Linear(8 * width * 7 * 7, 64 * width), in_place_relu(), nn::Dropout(0.5),
                                                               nn::Linear(64 * width, 64 * width), in_place_relu(), nn::Dropout(0.5),
                                                               nn::Linear(64 * width, classes)))) {}

torch::Tensor VggImpl::forward(const torch::Tensor& rgb) {
  TORCH_CHECK(rgb.dim() == 4 && rgb.size(1) == 3 && rgb.size(2) >= smallest_side() && rgb.size(3) >= smallest_side(),
              "VGG takes N×3×S×S with S ≥ ", smallest_side(), ", got ", rgb.sizes());
  return classifier_->forward(torch::adaptive_avg_pool2d(features_->forward(rgb), {7, 7}).flatten(1));
}

}  // namespace fmpn
