#pragma once

#include <torch/types.h>

#include "nn/torch_version.h"

namespace fmpn::train {

/// Half precision for the matrix work inside its scope (torch.autocast of Python).
class Autocast {
 public:
  Autocast(bool on, const torch::Device& device) : on_(on), device_(device.type()) {
    if (on_) set_autocast(device_, true);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::clear_cache();
    set_autocast(device_, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  c10::DeviceType device_;
};

}  // namespace fmpn::train
