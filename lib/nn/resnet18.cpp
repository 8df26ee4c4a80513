#include "nn/resnet18.h"

namespace fmpn {
namespace nn = torch::nn;
namespace F = torch::nn::functional;
namespace {

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(register_module("conv1", conv(in, out, 3, stride))),
        bn1(register_module("bn1", nn::BatchNorm2d(out))),
        conv2(register_module("conv2", conv(out, out, 3, 1))),
        bn2(register_module("bn2", nn::BatchNorm2d(out))) {
    if (stride != 1 || in != out)
      downsample = register_module("downsample", nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor inner = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(inner + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(BasicBlock);

nn::Sequential stage(int64_t in, int64_t out, int64_t stride) {
  return nn::Sequential(BasicBlock(in, out, stride), BasicBlock(out, out, 1));
}

}  // namespace

ResNet18Impl::ResNet18Impl(int64_t classes, int64_t w, bool small_stem)
    : small_stem_(small_stem),
      conv1_(register_module("conv1", small_stem ? conv(3, w, 3, 1) : conv(3, w, 7, 2))),
      bn1_(register_module("bn1", nn::BatchNorm2d(w))),
      layer1_(register_module("layer1", stage(w, w, 1))),
      layer2_(register_module("layer2", stage(w, 2 * w, 2))),
      layer3_(register_module("layer3", stage(2 * w, 4 * w, 2))),
      layer4_(register_module("layer4", stage(4 * w, 8 * w, 2))),
      fc_(register_module("fc", nn::Linear(8 * w, classes))) {}

torch::Tensor ResNet18Impl::forward(const torch::Tensor& rgb) {
  torch::Tensor x = torch::relu(bn1_(conv1_(rgb)));
  if (!small_stem_) x = F::max_pool2d(x, F::MaxPool2dFuncOptions(3).stride(2).padding(1));
  x = layer4_->forward(layer3_->forward(layer2_->forward(layer1_->forward(x))));
  return fc_(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
}

}  // namespace fmpn
