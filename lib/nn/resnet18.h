#pragma once

#include "nn/classification_net.h"

namespace fmpn {

/// ResNet-18 (He et al. 2016). With the small stem the first convolution is 3×3 stride 1 without pooling, as is
/// usual for pictures under 100 px; all names stay torchvision's.
struct ResNet18Impl : ClassificationNetImpl {
  ResNet18Impl(int64_t classes, int64_t width, bool small_stem);
  torch::Tensor forward(const torch::Tensor& rgb) override;

 private:
  bool small_stem_;
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  torch::nn::Sequential layer1_, layer2_, layer3_, layer4_;
  torch::nn::Linear fc_;
};

}  // namespace fmpn
