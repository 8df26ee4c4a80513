#pragma once

#include <string>

#include <fmpn/model_info.h>

#include "nn/fmpn_net.h"

namespace fmpn {

struct LoadedModel {
  ModelInfo info;
  FmpnNet net{nullptr};  ///< float32 on the CPU, in eval mode
};

/// Throws kNotFound or kBadFormat; a missing, foreign or misshapen tensor is named.
LoadedModel load_model(const std::string& path);

/// Floating-point tensors are stored as F16 with `half`, else as F32. Throws kIo.
void save_model(const std::string& path, const ModelInfo& info, FmpnNetImpl& net, bool half);

}  // namespace fmpn
