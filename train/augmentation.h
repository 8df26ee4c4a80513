#pragma once

#include <string>

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include "nn/torch_version.h"

namespace fmpn::train {

/// A batch as the networks take it.
struct Batch {
  torch::Tensor rgb;   ///< N×3×S×S float in [0,1]
  torch::Tensor mask;  ///< N×1×S×S float in [0,1]: ground truth, cut and turned as the face was
};

/// Augments a batch on the device that it is on; every draw comes from `generator` (torch's default one where none is given), a CPU's, so
/// that a seed fixes it on every device. Face and mask share each geometric draw.
///   "five-crop": the paper's: one of five fixed S×S crops (corners, centre) and a flip with p = 0.5
///   "robust":    affine jitter and flip, light, contrast, resolution, noise, erasing
///   "none":      the centre crop
/// `crops` N×C×H×H uint8 (C = 1 or 3), `masks` N×1×H×H float.
Batch augment(const torch::Tensor& crops, const torch::Tensor& masks, int input_size, const std::string& kind,
              const Optional<at::Generator>& generator = {});

}  // namespace fmpn::train
