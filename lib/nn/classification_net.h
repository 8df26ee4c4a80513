#pragma once

#include <memory>
#include <string>

#include <torch/nn.h>

namespace fmpn {

struct ClassificationNetOptions {
  std::string architecture = "inception_v3";  ///< inception_v3 | resnet18
  int64_t classes = 7;
  int64_t width = 64;              ///< ResNet: channels of the first stage
  std::string stem = "imagenet";   ///< ResNet: imagenet (7×7 stride 2, pooling) | small (3×3 stride 1)
};

/// CN: fused face N×3×S×S in [0,1] → logits N×classes. State-dict names are torchvision's.
struct ClassificationNetImpl : torch::nn::Module {
  virtual torch::Tensor forward(const torch::Tensor& rgb) = 0;
};
using ClassificationNet = std::shared_ptr<ClassificationNetImpl>;

/// Throws Error(kBadSetting) for an architecture that is not known.
ClassificationNet make_classification_net(const ClassificationNetOptions& options);

}  // namespace fmpn
