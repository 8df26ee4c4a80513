#include "runtime/device.h"

#include <torch/torch.h>

#include <fmpn/error.h>

namespace fmpn {

torch::Device parse_device(const std::string& name) {
  try {
    const torch::Device device(name);
    if (device.is_cuda() && !torch::cuda::is_available())
      throw Error(ErrorCode::kBadSetting, "device " + name + ": this LibTorch sees no CUDA device");
    if (device.is_cuda() && device.has_index() && device.index() >= static_cast<int>(torch::cuda::device_count()))
      throw Error(ErrorCode::kBadSetting,
                  "device " + name + ": there are " + std::to_string(torch::cuda::device_count()) + " CUDA devices, counted from 0");
    if (device.is_cuda()) return {torch::kCUDA, device.has_index() ? device.index() : static_cast<torch::DeviceIndex>(0)};
    if (device.is_cpu()) return torch::kCPU;
  } catch (const c10::Error&) {  // reported below
  }
  throw Error(ErrorCode::kBadSetting, "device '" + name + "': cpu, cuda and cuda:N are known");
}

}  // namespace fmpn
