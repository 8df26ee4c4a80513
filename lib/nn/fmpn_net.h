#pragma once

#include <fmpn/model_info.h>

#include "nn/classification_net.h"
#include "nn/pfn.h"
#include "nn/torch_nn.h"

namespace fmpn {

/// FMG → PFN → CN. Parameters are named resface.*, fusion.*, cls.*, as the published checkpoints name their files.
/// With uses_masks = false it is the paper's "CNN (baseline)": CN alone.
struct FmpnNetImpl : torch::nn::Module {
  /// Throws Error(kBadSetting) for a CN that is not known, or an input size that is too small for it.
  explicit FmpnNetImpl(const ModelInfo& info);

  struct Output {
    torch::Tensor logits;  ///< N×classes
    torch::Tensor mask;    ///< N×1×S×S; undefined for the baseline
  };
  /// `rgb` N×3×S×S, float, [0,1]. `mask` N×1×S×S stands in for FMG's where it is defined. In eval mode, with mirror_average, the
  /// logits are the mean of the picture's and its mirror image's; the mirror image has the mask mirrored.
  Output forward(const torch::Tensor& rgb, const torch::Tensor& mask = {});
  torch::Tensor generate_mask(const torch::Tensor& rgb);

  bool uses_masks, mirror_average;
  Fmg fmg{nullptr};
  Pfn pfn{nullptr};
  ClassificationNet cn;

 private:
  /// `masked`: mask × luma; undefined for the baseline.
  torch::Tensor logits_of(const torch::Tensor& rgb, const torch::Tensor& masked);
};
TORCH_MODULE(FmpnNet);

/// N×1×S×S luma of N×3×S×S RGB: 0.299 R + 0.587 G + 0.114 B.
torch::Tensor luma(const torch::Tensor& rgb);

/// Lays convolutions' weights channels last, as convolutions are faster with.
void lay_channels_last(torch::nn::Module& module);

/// The reference's initialisation: Xavier-normal, gain 0.02, on every convolution and linear weight, biases 0, BN weight
/// N(1, 0.02). Draws from torch's default generator.
void initialise_as_published(torch::nn::Module& module);

/// He initialisation of a CN that is trained from scratch with SGD.
void initialise_for_scratch(torch::nn::Module& module);

}  // namespace fmpn
