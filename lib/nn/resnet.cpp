#include "nn/resnet.h"

#include <array>

#include <torch/nn/functional/pooling.h>

#include "nn/in_place_relu.h"

namespace fmpn {
namespace nn = torch::nn;
namespace F = torch::nn::functional;
namespace {

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// A 1×1 convolution of every `stride`-th pixel: picked first, then convolved in steps of one. The same sums, but oneDNN's own strided
/// 1×1 convolution (2.6, as Debian's LibTorch 1.13 has it) writes past its buffers where channels are few, pictures are of an odd number
/// and threads are two.
struct PickedConvImpl : nn::Conv2dImpl {
  PickedConvImpl(int64_t in, int64_t out, int64_t stride)
      : Conv2dImpl(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)), stride_(stride) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::conv2d(stride_ == 1 ? x : x.slice(2, 0, INT64_MAX, stride_).slice(3, 0, INT64_MAX, stride_), weight);
  }

 private:
  int64_t stride_;
};
TORCH_MODULE(PickedConv);

nn::Sequential shortcut(int64_t in, int64_t out, int64_t stride) {
  if (stride == 1 && in == out) return nn::Sequential{nullptr};
  return nn::Sequential(PickedConv(in, out, stride), nn::BatchNorm2d(out));
}

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(int64_t in, int64_t width, int64_t stride)
      : conv1(register_module("conv1", conv(in, width, 3, stride))),
        bn1(register_module("bn1", nn::BatchNorm2d(width))),
        conv2(register_module("conv2", conv(width, width, 3, 1))),
        bn2(register_module("bn2", nn::BatchNorm2d(width))),
        downsample(shortcut(in, width, stride)) {
    if (!downsample.is_empty()) register_module("downsample", downsample);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor inner = bn2(conv2(in_place_relu(bn1(conv1(x)))));
    return in_place_relu(inner + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  nn::Sequential downsample;
};
TORCH_MODULE(BasicBlock);

struct BottleneckImpl : nn::Module {
  BottleneckImpl(int64_t in, int64_t width, int64_t stride)
      : conv1(register_module("conv1", conv(in, width, 1, 1))),
        bn1(register_module("bn1", nn::BatchNorm2d(width))),
        conv2(register_module("conv2", conv(width, width, 3, stride))),
        bn2(register_module("bn2", nn::BatchNorm2d(width))),
        conv3(register_module("conv3", conv(width, 4 * width, 1, 1))),
        bn3(register_module("bn3", nn::BatchNorm2d(4 * width))),
        downsample(shortcut(in, 4 * width, stride)) {
    if (!downsample.is_empty()) register_module("downsample", downsample);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor inner = bn3(conv3(in_place_relu(bn2(conv2(in_place_relu(bn1(conv1(x))))))));
    return in_place_relu(inner + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  nn::Conv2d conv3;
  nn::BatchNorm2d bn3;
  nn::Sequential downsample;
};
TORCH_MODULE(Bottleneck);

struct Plan {
  std::array<int, 4> blocks;
  int64_t expansion;  ///< channels out of a block, in widths of its stage
};

Plan plan_of(int depth) {
  if (depth == 18) return {{2, 2, 2, 2}, 1};
  if (depth == 50) return {{3, 4, 6, 3}, 4};
  TORCH_CHECK(depth == 152, "ResNet of ", depth, " layers: 18, 50 and 152 are known");
  return {{3, 8, 36, 3}, 4};
}

/// Stage `index` of 0…3, `width` channels in the first.
nn::Sequential stage(const Plan& plan, std::size_t index, int64_t width) {
  const int64_t own = width << index;
  int64_t in = index == 0 ? width : own / 2 * plan.expansion;
  nn::Sequential blocks;
  for (int i = 0; i < plan.blocks[index]; ++i) {
    const int64_t stride = i == 0 && index > 0 ? 2 : 1;
    if (plan.expansion == 1) blocks->push_back(BasicBlock(in, own, stride));
    else blocks->push_back(Bottleneck(in, own, stride));
    in = own * plan.expansion;
  }
  return blocks;
}

}  // namespace

ResNetImpl::ResNetImpl(int depth, int64_t classes, int64_t w, bool small_stem)
    : small_stem_(small_stem),
      conv1_(register_module("conv1", small_stem ? conv(3, w, 3, 1) : conv(3, w, 7, 2))),
      bn1_(register_module("bn1", nn::BatchNorm2d(w))),
      layer1_(register_module("layer1", stage(plan_of(depth), 0, w))),
      layer2_(register_module("layer2", stage(plan_of(depth), 1, w))),
      layer3_(register_module("layer3", stage(plan_of(depth), 2, w))),
      layer4_(register_module("layer4", stage(plan_of(depth), 3, w))),
      fc_(register_module("fc", nn::Linear(8 * w * plan_of(depth).expansion, classes))) {}

torch::Tensor ResNetImpl::forward(const torch::Tensor& rgb) {
  torch::Tensor x = in_place_relu(bn1_(conv1_(rgb)));
  if (!small_stem_) x = F::max_pool2d(x, F::MaxPool2dFuncOptions(3).stride(2).padding(1));
  x = layer4_->forward(layer3_->forward(layer2_->forward(layer1_->forward(x))));
  return fc_(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
}

}  // namespace fmpn
