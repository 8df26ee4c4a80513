#pragma once

#include <string>

#include <torch/types.h>

namespace fmpn {

/// cpu, cuda or cuda:N; of CUDA cuda_was_asked_for() tells from then on. Throws Error(kBadSetting), naming it, for anything else and where
/// LibTorch has no CUDA device.
torch::Device parse_device(const std::string& name);

/// Whether parse_device() has given out a CUDA device in this process.
bool cuda_was_asked_for();

/// cuDNN computes the same bits every time, and float32 with all its digits (no TF32). Set for the whole process, where `device` is CUDA's.
void use_exact_cuda(const torch::Device& device);

/// `tensor` on `device`. A copy to a GPU is queued there and not waited for; `tensor` may be changed at once all the same, if it is not
/// in pinned memory.
torch::Tensor queued_copy(const torch::Tensor& tensor, const torch::Device& device);

}  // namespace fmpn
