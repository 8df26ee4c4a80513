#include "nn/densenet.h"

#include <torch/nn/modules/pooling.h>

#include "nn/in_place_relu.h"

namespace fmpn {
namespace nn = torch::nn;
namespace {

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// BN · ReLU · conv 1×1 · BN · ReLU · conv 3×3; its output stands behind its input.
struct DenseLayerImpl : nn::Module {
  DenseLayerImpl(int64_t in, int64_t growth)
      : norm1(register_module("norm1", nn::BatchNorm2d(in))),
        conv1(register_module("conv1", conv(in, 4 * growth, 1))),
        norm2(register_module("norm2", nn::BatchNorm2d(4 * growth))),
        conv2(register_module("conv2", conv(4 * growth, growth, 3))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::cat({x, conv2(in_place_relu(norm2(conv1(in_place_relu(norm1(x))))))}, 1);
  }
  nn::BatchNorm2d norm1;
  nn::Conv2d conv1;
  nn::BatchNorm2d norm2;
  nn::Conv2d conv2;
};
TORCH_MODULE(DenseLayer);

/// A Sequential that can stand in another one, which one with a templated forward() can't.
struct ChainImpl : nn::SequentialImpl {
  torch::Tensor forward(const torch::Tensor& x) { return nn::SequentialImpl::forward(x); }
};
TORCH_MODULE(Chain);

Chain dense_block(int64_t in, int64_t layers, int64_t growth) {
  Chain block;
  for (int64_t i = 0; i < layers; ++i) block->push_back("denselayer" + std::to_string(i + 1), DenseLayer(in + i * growth, growth));
  return block;
}

Chain transition(int64_t in) {
  Chain chain;
  chain->push_back("norm", nn::BatchNorm2d(in));
  chain->push_back("relu", in_place_relu());
  chain->push_back("conv", conv(in, in / 2, 1));
  chain->push_back("pool", nn::AvgPool2d(2));
  return chain;
}

nn::Sequential features(int64_t width) {
  const int64_t growth = width / 2;
  nn::Sequential all({{"conv0", conv(3, width, 7, 2)},
                      {"norm0", nn::BatchNorm2d(width)},
                      {"relu0", in_place_relu()},
                      {"pool0", nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1))}});
  int64_t channels = width;
  int block = 0;
  for (const int64_t layers : {6, 12, 24, 16}) {
    const std::string number = std::to_string(++block);
    all->push_back("denseblock" + number, dense_block(channels, layers, growth));
    channels += layers * growth;
    if (block == 4) break;
    all->push_back("transition" + number, transition(channels));
    channels /= 2;
  }
  all->push_back("norm5", nn::BatchNorm2d(channels));
  return all;
}

}  // namespace

DenseNet121Impl::DenseNet121Impl(int64_t classes, int64_t width)
    : features_(register_module("features", features(width))),
      classifier_(register_module("classifier", nn::Linear(16 * width, classes))) {}

torch::Tensor DenseNet121Impl::forward(const torch::Tensor& rgb) {
  TORCH_CHECK(rgb.dim() == 4 && rgb.size(1) == 3 && rgb.size(2) >= smallest_side() && rgb.size(3) >= smallest_side(),
              "DenseNet-121 takes N×3×S×S with S ≥ ", smallest_side(), ", got ", rgb.sizes());
  const torch::Tensor x = in_place_relu(features_->forward(rgb));
  return classifier_(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
}

}  // namespace fmpn
