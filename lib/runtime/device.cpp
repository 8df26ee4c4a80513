#include "runtime/device.h"

#include <atomic>

#include <torch/cuda.h>
#include <torch/types.h>

#include <fmpn/error.h>

namespace fmpn {
namespace {

std::atomic<bool> cuda_given{false};

}  // namespace

torch::Device parse_device(const std::string& name) {
  try {
    const torch::Device device(name);
    if (device.is_cuda() && !torch::cuda::is_available())
      throw Error(ErrorCode::kBadSetting, "device " + name + ": this LibTorch sees no CUDA device");
    if (device.is_cuda() && device.has_index() && device.index() >= static_cast<int>(torch::cuda::device_count()))
      throw Error(ErrorCode::kBadSetting,
                  "device " + name + ": there are " + std::to_string(torch::cuda::device_count()) + " CUDA devices, counted from 0");
    if (device.is_cuda()) {
      cuda_given = true;
      return {torch::kCUDA, device.has_index() ? device.index() : static_cast<torch::DeviceIndex>(0)};
    }
    if (device.is_cpu()) return torch::kCPU;
  } catch (const c10::Error&) {  // reported below
  }
  throw Error(ErrorCode::kBadSetting, "device '" + name + "': cpu, cuda and cuda:N are known");
}

bool cuda_was_asked_for() { return cuda_given; }

void use_exact_cuda(const torch::Device& device) {
  if (!device.is_cuda()) return;
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

torch::Tensor queued_copy(const torch::Tensor& tensor, const torch::Device& device) {
  return tensor.to(device, tensor.scalar_type(), /*non_blocking=*/true);
}

}  // namespace fmpn
