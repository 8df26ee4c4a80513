#include "runtime/model_file.h"

#include <cstring>

#include <torch/torch.h>

#include <fmpn/error.h>

#include "runtime/model_metadata.h"
#include "runtime/safetensors.h"

namespace fmpn {
namespace {

/// Every parameter and buffer by name, `num_batches_tracked` left out: it says nothing about the function.
std::map<std::string, torch::Tensor> state_of(torch::nn::Module& net) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : net.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : net.named_buffers())
    if (item.key().find("num_batches_tracked") == std::string::npos) state[item.key()] = item.value();
  return state;
}

torch::ScalarType type_of(const std::string& dtype) {
  if (dtype == "F32") return torch::kFloat32;
  if (dtype == "F16") return torch::kFloat16;
  if (dtype == "BF16") return torch::kBFloat16;
  return torch::kUInt8;
}

/// The widest convolutions must be in the file as the metadata claims: otherwise a small file could ask for gigabytes.
void check_widths(const std::string& path, const SafeTensors& content, const ModelInfo& info) {
  const auto check = [&](const std::string& key, std::int64_t width) {
    const auto found = content.tensors.find(key);
    if (found == content.tensors.end()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is missing");
    if (found->second.shape != std::vector<std::int64_t>{width, width, 3, 3})
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' has another shape than the architecture needs");
  };
  if (info.uses_masks) check("resface.feature_extractor.9.conv_block.0.weight", 4 * info.fmg_width);
  if (info.cn == "resnet18") check("cls.layer4.1.conv2.weight", 8 * info.cn_width);
}

}  // namespace

LoadedModel load_model(const std::string& path) {
  const SafeTensors content = read_safetensors(path);
  LoadedModel model;
  model.info = info_from_metadata(path, content.metadata);
  check_widths(path, content, model.info);
  try {
    model.net = FmpnNet(model.info);
  } catch (const Error& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": " + fault.what());
  }
  const torch::NoGradGuard no_grad;
  const auto state = state_of(*model.net);
  for (const auto& [key, target] : state) {
    const auto found = content.tensors.find(key);
    if (found == content.tensors.end()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is missing");
    const StoredTensor& stored = found->second;
    const auto type = type_of(stored.dtype);
    if (type == torch::kUInt8) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is " + stored.dtype + ", not a float");
    if (target.sizes() != torch::IntArrayRef(stored.shape))
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' has another shape than the architecture needs");
    target.copy_(torch::from_blob(const_cast<std::uint8_t*>(stored.bytes.data()), stored.shape, type));
    if (!torch::isfinite(target).all().item<bool>())
      throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' holds numbers that are not finite");
  }
  for (const auto& item : content.tensors)
    if (state.count(item.first) == 0) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + item.first + "' does not belong to the architecture");
  model.net->eval();
  return model;
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
