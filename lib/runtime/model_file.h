#pragma once

#include <map>
#include <string>

#include <fmpn/model_info.h>

#include "nn/fmpn_net.h"
#include "runtime/safetensors.h"

namespace fmpn {

struct LoadedModel {
  ModelInfo info;
  FmpnNet net{nullptr};  ///< float32 on the CPU, in eval mode
};

/// Every parameter and buffer by name, `num_batches_tracked` left out: it says nothing about the function.
std::map<std::string, torch::Tensor> state_of(torch::nn::Module& net);

/// A view of the bytes of `stored`, which must outlive it; undefined where its elements are no floating-point numbers.
torch::Tensor view_of(const StoredTensor& stored);

/// Throws kNotFound or kBadFormat; a missing, foreign or misshapen tensor is named.
LoadedModel load_model(const std::string& path);
/// The same from a file's content; `name` is the file, for errors.
LoadedModel load_model(const std::string& name, const SafeTensors& content);

/// Floating-point tensors are stored as F16 with `half`, else as F32. Throws kIo.
void save_model(const std::string& path, const ModelInfo& info, FmpnNetImpl& net, bool half);

}  // namespace fmpn
