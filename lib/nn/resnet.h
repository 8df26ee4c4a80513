#pragma once

#include "nn/classification_net.h"

namespace fmpn {

/// ResNet (He et al. 2016) as torchvision builds it: blocks of two convolutions for 18 layers, bottlenecks with the
/// stride at their 3×3 for 50 and 152. With the small stem the first convolution is 3×3 stride 1 without pooling, as is
/// usual for pictures under 100 px; all names stay torchvision's.
struct ResNetImpl : ClassificationNetImpl {
  /// `depth` 18, 50 or 152; `width` channels of the first stage, 64 in torchvision.
  ResNetImpl(int depth, int64_t classes, int64_t width, bool small_stem);
  torch::Tensor forward(const torch::Tensor& rgb) override;
  std::string final_layer() const override { return "fc"; }

 private:
  bool small_stem_;
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  torch::nn::Sequential layer1_, layer2_, layer3_, layer4_;
  torch::nn::Linear fc_;
};

}  // namespace fmpn
