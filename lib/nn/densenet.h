#pragma once

#include "nn/classification_net.h"

namespace fmpn {

/// DenseNet-121 (Huang et al. 2017) as torchvision builds it. Each layer adds width / 2 channels to its block. Input side
/// at least 32.
struct DenseNet121Impl : ClassificationNetImpl {
  /// `width` channels of the first convolution, even; 64 in torchvision.
  DenseNet121Impl(int64_t classes, int64_t width);
  torch::Tensor forward(const torch::Tensor& rgb) override;
  std::string final_layer() const override { return "classifier"; }
  int64_t smallest_side() const override { return 32; }

 private:
  torch::nn::Sequential features_;
  torch::nn::Linear classifier_;
};

}  // namespace fmpn
