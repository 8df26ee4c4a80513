#pragma once

#include "nn/classification_net.h"

namespace fmpn {

/// VGG-16 and VGG-19 (Simonyan and Zisserman 2015) as torchvision builds them, with or without batch norm. Input side at
/// least 32.
struct VggImpl : ClassificationNetImpl {
  /// `depth` 16 or 19; `width` channels of the first convolution, 64 in torchvision; the two hidden linear layers have
  /// 64 · width units.
  VggImpl(int depth, bool batch_norm, int64_t classes, int64_t width);
  torch::Tensor forward(const torch::Tensor& rgb) override;
  std::string final_layer() const override { return "classifier.6"; }
  int64_t smallest_side() const override { return 32; }

 private:
  torch::nn::Sequential features_, classifier_;
};

}  // namespace fmpn
