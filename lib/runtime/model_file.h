#pragma once

#include <functional>
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

/// `tensor` as a file holds it: F16 with `half` if no number of it is too large for that, else F32.
StoredTensor stored_as(const torch::Tensor& tensor, bool half);

/// A view of the bytes of `stored`, which must outlive it; undefined where its elements are no floating-point numbers.
torch::Tensor view_of(const StoredTensor& stored);

/// A model whose convolutions' and linear layers' weights are still in the file: `net` has their shapes alone, and all else.
struct OpenModel {
  ModelInfo info;
  FmpnNet net{nullptr};  ///< on the CPU, in eval mode
  /// The float32 numbers that a weight of `net`, or a view of one, stands for, as a new tensor; other tensors are given back as they are.
  /// Throws kBadFormat where they are not finite, or the file has become shorter.
  std::function<torch::Tensor(const torch::Tensor& weight)> numbers_of;
};

/// Throws kNotFound or kBadFormat; a missing, foreign or misshapen tensor is named.
OpenModel open_model(const std::string& path);
LoadedModel read_all(OpenModel model);
/// Both in one.
LoadedModel load_model(const std::string& path);
/// The same from a file's content; `name` is the file, for errors.
LoadedModel load_model(const std::string& name, const SafeTensors& content);

/// Tensors are stored as stored_as() says. Throws kIo, and kBadSetting for what could not be read again.
void save_model(const std::string& path, const ModelInfo& info, FmpnNetImpl& net, bool half);

}  // namespace fmpn
