#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmpn/export.h>
#include <fmpn/geometry.h>

namespace fmpn {

/// What a model file says of itself (its `__metadata__`), everything but the tensors. Values outside the ranges below are refused.
struct ModelInfo {
  int format_version = 1;
  std::string name;                  ///< shown as model_name in the metadata
  bool uses_masks = true;            ///< false: ablation "CNN (baseline)", the CN alone
  int fmg_width = 64;                ///< w of the reference, 1…1024
  std::string cn = "inception_v3";   ///< inception_v3, resnet18/50/152, densenet121, vgg16/19, vgg16/19_bn
  int cn_width = 64;                 ///< channels of CN's first stage, 4…512; 64 is torchvision's
  std::string cn_stem = "imagenet";  ///< imagenet: 7×7 stride 2 and pooling; small: 3×3 stride 1 (faces under 100 px)
  int input_size = 299;              ///< S, side of the networks' input in pixels, 8…1024; with masks 0 or 3 modulo 4
  int crop_size = 320;               ///< side of the aligned crop of which the centre S×S is the input, S…1024
  std::string color = "rgb";         ///< rgb, or gray: R, G and B all hold the luma (trained on gray pictures)
  std::vector<std::string> classes;  ///< class names in the order of the network's outputs, 2…1000, each once
  bool mirror_average = false;       ///< the logits are the mean of the face's and its mirror image's
  Landmarks crop_template = kStandardTemplate;  ///< of the aligner that made the training crops: no other is accepted
  double temperature = 1;            ///< logits are divided by it before the softmax (calibration); 0.001…1000
  double min_confidence = 0;         ///< below it the product says `uncertain`; 0…1
  /// Data, protocol, accuracy, date, …: for people, but for `bf16_agreement` and `bf16_mask_difference`, by which Precision::kAuto is
  /// decided.
  std::map<std::string, std::string> provenance;
};

/// Reads only the metadata of a model file, no tensor. Throws kNotFound or kBadFormat, naming file and key.
FMPN_API ModelInfo read_model_info(const std::string& path);

}  // namespace fmpn
