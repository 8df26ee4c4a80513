#pragma once

#include <string>

#include <torch/types.h>

namespace fmpn {

/// cpu, cuda or cuda:N. Throws Error(kBadSetting), naming it, for anything else and where LibTorch has no CUDA device.
torch::Device parse_device(const std::string& name);

}  // namespace fmpn
