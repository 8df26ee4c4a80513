#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/torch_nn.h"

namespace fmpn {

struct ClassificationNetOptions {
  std::string architecture = "inception_v3";  ///< one of classification_nets()
  int64_t classes = 7;
  int64_t width = 64;              ///< channels of the first stage, 64 in torchvision; Inception V3 has no other
  std::string stem = "imagenet";   ///< ResNet: imagenet (7×7 stride 2, pooling) | small (3×3 stride 1); the others: imagenet
};

/// CN: fused face N×3×S×S in [0,1] → logits N×classes. State-dict names are torchvision's.
struct ClassificationNetImpl : torch::nn::Module {
  virtual torch::Tensor forward(const torch::Tensor& rgb) = 0;
  /// Name of the layer that makes the logits: the one that other weights don't fit.
  virtual std::string final_layer() const = 0;
  /// The smallest S that leaves pixels for the last layers.
  virtual int64_t smallest_side() const { return 1; }
};
using ClassificationNet = std::shared_ptr<ClassificationNetImpl>;

/// inception_v3, resnet18, resnet50, resnet152, densenet121, vgg16, vgg16_bn, vgg19, vgg19_bn.
const std::vector<std::string>& classification_nets();

/// One tensor that tells the width of a net: its name and the shape that `width` asks for. Checked in a model file before
/// the net is built, so that a small file can't ask for gigabytes. Empty for Inception V3 and for what is not known.
struct WidthProbe {
  std::string name;
  std::vector<int64_t> shape;
};
WidthProbe width_probe(const std::string& architecture, int64_t width);

/// Throws Error(kBadSetting) for an architecture that is not known, or a width or stem that it does not have.
ClassificationNet make_classification_net(const ClassificationNetOptions& options);

}  // namespace fmpn
