#pragma once

#include "nn/classification_net.h"

namespace fmpn {

/// Inception V3 (Szegedy et al. 2016) as torchvision builds it, without the auxiliary head, with `transform_input`:
/// [0,1] RGB is shifted to the range that the ImageNet weights were trained on. Input side at least 75.
struct InceptionV3Impl : ClassificationNetImpl {
  explicit InceptionV3Impl(int64_t classes);
  torch::Tensor forward(const torch::Tensor& rgb) override;
  std::string final_layer() const override { return "fc"; }
  int64_t smallest_side() const override { return 75; }

 private:
  torch::nn::Sequential stem_a_, stem_b_, blocks_;
  torch::nn::Linear fc_;
};

}  // namespace fmpn
