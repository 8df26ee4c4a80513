#pragma once

#include "nn/fmg.h"

namespace fmpn {

/// Prior fusion net (Eq. 3, as the published code builds it): face N×3×S×S and mask × gray face N×1×S×S →
/// fused face N×3×S×S in (0,1). 377 parameters.
struct PfnImpl : torch::nn::Module {
  PfnImpl();
  torch::Tensor forward(const torch::Tensor& rgb, const torch::Tensor& masked_gray);
  torch::nn::Sequential process_a;
  torch::nn::Sequential process_b;
  torch::nn::Sequential model;
};
TORCH_MODULE(Pfn);

/// Sets the weights so that the fused face starts as a monotone copy of the face plus a share of the masked face. Drawn
/// from scratch, PFN hands a CN that knows nothing a nearly constant picture; a small CN does not recover from that.
void start_near_identity(PfnImpl& pfn);

}  // namespace fmpn
