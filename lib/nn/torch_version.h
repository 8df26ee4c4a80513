#pragma once

// Where versions of LibTorch differ: 1.13 and 2.x both build.

#include <optional>

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace fmpn {

/// What torch's functions take for an argument that may be missing.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
template <typename T>
using Optional = std::optional<T>;
#else
template <typename T>
using Optional = c10::optional<T>;
#endif

/// Switches half precision (bfloat16) for the matrix work of this thread on and off, as torch.autocast of Python does. `device` is
/// torch::kCPU or torch::kCUDA.
inline void set_autocast(c10::DeviceType device, bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  if (on) at::autocast::set_autocast_dtype(device, c10::ScalarType::BFloat16);
  at::autocast::set_autocast_enabled(device, on);
#else
  if (device == c10::DeviceType::CUDA) {
    if (on) at::autocast::set_autocast_gpu_dtype(c10::ScalarType::BFloat16);
    at::autocast::set_enabled(on);
  } else {
    if (on) at::autocast::set_autocast_cpu_dtype(c10::ScalarType::BFloat16);
    at::autocast::set_cpu_enabled(on);
  }
#endif
}

}  // namespace fmpn
