#include "runtime/model_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include <torch/types.h>

#include <fmpn/error.h>

#include "nn/undrawn.h"
#include "runtime/model_metadata.h"
#include "runtime/pages.h"

namespace fmpn {
namespace {

/// The widest layers must be in the file as the metadata claims: otherwise a small file could ask for gigabytes.
void check_widths(const std::string& path, const std::map<std::string, StoredTensor>& tensors, const ModelInfo& info) {
  const auto check = [&](const std::string& key, const std::vector<std::int64_t>& shape) {
    const auto found = tensors.find(key);
    if (found == tensors.end()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is missing");
    if (found->second.shape != shape)
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' has another shape than the architecture needs");
  };
  const std::int64_t width = 4 * info.fmg_width;
  if (info.uses_masks) check("resface.feature_extractor.9.conv_block.0.weight", {width, width, 3, 3});
  const WidthProbe probe = width_probe(info.cn, info.cn_width);
  if (!probe.name.empty()) check("cls." + probe.name, probe.shape);
}

}  // namespace

std::map<std::string, torch::Tensor> state_of(torch::nn::Module& net) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : net.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : net.named_buffers())
    if (item.key().find("num_batches_tracked") == std::string::npos) state[item.key()] = item.value();
  return state;
}

namespace {

using Metadata = std::map<std::string, std::string>;
using Tensors = std::map<std::string, StoredTensor>;  ///< types and shapes
using Read = std::function<void(const std::string& key, void* to)>;

torch::ScalarType type_of(const StoredTensor& stored) {
  const std::map<std::string, torch::ScalarType> types{
      {"F64", torch::kFloat64}, {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16}};
  const auto type = types.find(stored.dtype);
  return type == types.end() ? torch::ScalarType::Undefined : type->second;
}

/// A tensor in pages of its own, see there.
torch::Tensor paged_tensor(const StoredTensor& of, torch::ScalarType type) {
  std::size_t bytes = torch::elementSize(type);
  for (const std::int64_t side : of.shape) bytes *= static_cast<std::size_t>(side);
  const auto pages = std::make_shared<Pages>(bytes);
  return torch::from_blob(pages->data(), of.shape, [pages](void*) {}, type);
}

void require_tensor(const std::string& path, const std::string& key, const torch::Tensor& target, const Tensors& tensors) {
  const auto found = tensors.find(key);
  if (found == tensors.end()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is missing");
  const StoredTensor& stored = found->second;
  if (stored.dtype != "F32" && stored.dtype != "F16" && stored.dtype != "BF16")
    throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is " + stored.dtype + "; F32, F16 and BF16 are known");
  if (target.sizes() != torch::IntArrayRef(stored.shape))
    throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' has another shape than the architecture needs");
}

/// A new tensor of float32.
torch::Tensor read_floats(const std::string& path, const std::string& key, const StoredTensor& stored, const Read& read) {
  torch::Tensor numbers = paged_tensor(stored, type_of(stored));
  read(key, numbers.data_ptr());
  if (numbers.scalar_type() != torch::kFloat32) numbers = paged_tensor(stored, torch::kFloat32).copy_(numbers);
  const float* first = numbers.data_ptr<float>();
  if (!std::all_of(first, first + numbers.numel(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' holds numbers that are not finite");
  const std::string variance = "running_var";
  const bool is_variance = key.size() >= variance.size() && key.compare(key.size() - variance.size(), variance.size(), variance) == 0;
  if (is_variance && std::any_of(first, first + numbers.numel(), [](float x) { return x < 0; }))
    throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' holds variances below 0");
  return numbers;
}

const void* identity(const torch::Tensor& tensor) { return tensor.storage().unsafeGetStorageImpl(); }

OpenModel open(const std::string& path, const Metadata& metadata, const Tensors& tensors, const Read& read) {
  OpenModel model;
  model.info = info_from_metadata(path, metadata);
  check_widths(path, tensors, model.info);
  try {
    const UndrawnWeights undrawn;
    model.net = FmpnNet(model.info);
  } catch (const Error& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": " + fault.what());
  }
  const auto state = state_of(*model.net);
  for (const auto& [key, target] : state) require_tensor(path, key, target, tensors);
  for (const auto& item : tensors)
    if (state.count(item.first) == 0)
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + item.first + "' does not belong to the architecture");
  const torch::NoGradGuard no_grad;
  std::map<const void*, std::pair<std::string, StoredTensor>> unread;  // by the storage that would hold it
  for (const auto& [key, target] : state) {
    StoredTensor stored{tensors.at(key).dtype, tensors.at(key).shape, {}};
    if (target.dim() >= 2) unread[identity(target)] = {key, std::move(stored)};
    else target.copy_(read_floats(path, key, stored, read));
  }
  model.net->eval();
  model.numbers_of = [path, unread = std::move(unread), read](const torch::Tensor& weight) {
    const auto found = unread.find(identity(weight));
    if (found == unread.end()) return weight;
    const auto& [key, stored] = found->second;
    return read_floats(path, key, stored, read).as_strided(weight.sizes(), weight.strides(), weight.storage_offset());
  };
  return model;
}

}  // namespace

torch::Tensor view_of(const StoredTensor& stored) {
  const torch::ScalarType type = type_of(stored);
  if (type == torch::ScalarType::Undefined) return {};
  return torch::from_blob(const_cast<std::uint8_t*>(stored.bytes.data()), stored.shape, type);
}

OpenModel open_model(const std::string& path) {
  const auto file = std::make_shared<SafeTensorsFile>(path);
  return open(path, file->metadata(), file->tensors(), [file](const std::string& key, void* to) { file->read(key, to); });
}

LoadedModel read_all(OpenModel model) {
  const torch::NoGradGuard no_grad;
  for (auto& item : state_of(*model.net)) {
    const torch::Tensor numbers = model.numbers_of(item.second);
    if (!numbers.is_same(item.second)) item.second.copy_(numbers);
  }
  return {std::move(model.info), std::move(model.net)};
}

LoadedModel load_model(const std::string& path) { return read_all(open_model(path)); }

LoadedModel load_model(const std::string& name, const SafeTensors& content) {
  return read_all(open(name, content.metadata, content.tensors, [&](const std::string& key, void* to) {
    const StoredTensor& tensor = content.tensors.at(key);
    const auto& bytes = tensor.bytes;
    if (bytes.size() != byte_count(tensor))
      throw Error(ErrorCode::kBadFormat,
                  name + ": tensor '" + key + "' has " + std::to_string(bytes.size()) + " bytes, not those of its shape");
    std::memcpy(to, bytes.data(), bytes.size());
  }));
}

StoredTensor stored_as(const torch::Tensor& tensor, bool half) {
  torch::Tensor flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  if (half) {
    const torch::Tensor shorter = flat.to(torch::kFloat16);
    half = torch::isfinite(shorter).all().item<bool>();
    if (half) flat = shorter;
  }
  StoredTensor stored{half ? "F16" : "F32", flat.sizes().vec(), std::vector<std::uint8_t>(flat.nbytes())};
  std::memcpy(stored.bytes.data(), flat.data_ptr(), stored.bytes.size());
  return stored;
}

void save_model(const std::string& path, const ModelInfo& info, FmpnNetImpl& net, bool half) {
  SafeTensors content;
  content.metadata = metadata_from_info(info);
  for (const auto& [key, value] : state_of(net)) content.tensors[key] = stored_as(value, half);
  write_safetensors(path, content);
}

}  // namespace fmpn
