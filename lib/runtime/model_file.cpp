#include "runtime/model_file.h"

#include <cmath>
#include <cstring>
#include <functional>

#include <torch/torch.h>

#include <fmpn/error.h>

#include "runtime/model_metadata.h"

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

torch::Tensor view_of(const StoredTensor& stored) {
  const std::map<std::string, torch::ScalarType> types{
      {"F64", torch::kFloat64}, {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16}};
  const auto type = types.find(stored.dtype);
  if (type == types.end()) return {};
  return torch::from_blob(const_cast<std::uint8_t*>(stored.bytes.data()), stored.shape, type->second);
}

namespace {

using Tensors = std::map<std::string, StoredTensor>;

/// `tensors` have types and shapes; `read` gives one with its bytes.
LoadedModel load(const std::string& path, const std::map<std::string, std::string>& metadata, const Tensors& tensors,
                 const std::function<StoredTensor(const std::string&)>& read) {
  LoadedModel model;
  model.info = info_from_metadata(path, metadata);
  check_widths(path, tensors, model.info);
  try {
    model.net = FmpnNet(model.info);
  } catch (const Error& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": " + fault.what());
  }
  const torch::NoGradGuard no_grad;
  const auto state = state_of(*model.net);
  for (const auto& [key, target] : state) {
    const auto found = tensors.find(key);
    if (found == tensors.end()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is missing");
    const StoredTensor& stored = found->second;
    if (stored.dtype != "F32" && stored.dtype != "F16" && stored.dtype != "BF16")
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is " + stored.dtype + "; F32, F16 and BF16 are known");
    if (target.sizes() != torch::IntArrayRef(stored.shape))
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' has another shape than the architecture needs");
    target.copy_(view_of(read(key)));
    // One number that is not finite makes the sum so.
    if (!std::isfinite(target.sum(torch::kFloat64).item<double>()))
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' holds numbers that are not finite");
  }
  for (const auto& item : tensors)
    if (state.count(item.first) == 0)
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + item.first + "' does not belong to the architecture");
  model.net->eval();
  return model;
}

}  // namespace

LoadedModel load_model(const std::string& path) {
  SafeTensorsFile file(path);
  // One tensor at a time: the file is never in memory beside the net.
  return load(path, file.metadata(), file.tensors(), [&](const std::string& key) { return file.read(key); });
}

LoadedModel load_model(const std::string& name, const SafeTensors& content) {
  return load(name, content.metadata, content.tensors, [&](const std::string& key) { return content.tensors.at(key); });
}

void save_model(const std::string& path, const ModelInfo& info, FmpnNetImpl& net, bool half) {
  SafeTensors content;
  content.metadata = metadata_from_info(info);
  for (const auto& [key, value] : state_of(net)) {
    const torch::Tensor flat = value.detach().to(torch::kCPU, half ? torch::kFloat16 : torch::kFloat32).contiguous();
    StoredTensor stored{half ? "F16" : "F32", flat.sizes().vec(), std::vector<std::uint8_t>(flat.nbytes())};
    std::memcpy(stored.bytes.data(), flat.data_ptr(), stored.bytes.size());
    content.tensors[key] = std::move(stored);
  }
  write_safetensors(path, content);
}

}  // namespace fmpn
