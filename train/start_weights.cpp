#include "start_weights.h"

#include <algorithm>
#include <map>

#include <torch/types.h>

#include <fmpn/error.h>

#include "runtime/model_file.h"

namespace fmpn::train {
namespace {

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto side : shape) text += (text.empty() ? "" : "×") + std::to_string(side);
  return text.empty() ? "scalar" : text;
}

using Named = std::map<std::string, const StoredTensor*>;

/// The tensors whose names begin with `prefix`, without it.
Named part_of(const SafeTensors& weights, const std::string& prefix) {
  Named part;
  for (const auto& [key, tensor] : weights.tensors)
    if (starts_with(key, prefix) && key.find("num_batches_tracked") == std::string::npos) part[key.substr(prefix.size())] = &tensor;
  return part;
}

void append(std::string& text, const std::string& title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += "  " + title + " (" + std::to_string(names.size()) + "):\n";
  for (const auto& name : names) text += "    " + name + '\n';
}

/// One net of a model file of ours, or all of a file that holds but that net.
Named net_of(const SafeTensors& weights, const std::string& prefix) {
  Named part = part_of(weights, prefix);
  return part.empty() ? part_of(weights, "") : part;
}

constexpr const char* kNone = "";  // where no layer is to be drawn anew

/// `part` into `net`, but what belongs to the layer `final_layer`.
StartWeights copy_matching(const std::string& path, Named part, const std::string& final_layer, torch::nn::Module& net) {
  const torch::NoGradGuard no_grad;
  StartWeights result;
  for (auto& [name, target] : state_of(net)) {
    const auto found = part.find(name);
    const StoredTensor* stored = found == part.end() ? nullptr : found->second;
    if (stored != nullptr) part.erase(found);
    if (starts_with(name, final_layer + '.')) {
      result.drawn.push_back(name);
    } else if (stored == nullptr) {
      result.missing.push_back(name);
    } else if (target.sizes() != torch::IntArrayRef(stored->shape)) {
      result.other_shape.push_back(name + ": " + shape_text(stored->shape) + " in the file, " + shape_text(target.sizes().vec()) +
                                   " in the net");
    } else {
      const torch::Tensor values = view_of(*stored);
      if (!values.defined()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + name + "' is " + stored->dtype + ", not a float");
      if (!torch::isfinite(values).all().item<bool>())
        throw Error(ErrorCode::kBadFormat, path + ": tensor '" + name + "' holds numbers that are not finite");
      target.copy_(values);
      result.taken.push_back(name);
    }
  }
  for (const auto& item : part) {
    if (starts_with(item.first, "AuxLogits.")) ++result.auxiliary;
    else result.unused.push_back(item.first);
  }
  return result;
}

}  // namespace

std::string StartWeights::text() const {
  std::string text = "  taken: " + std::to_string(taken.size()) + " tensors\n";
  if (auxiliary > 0) text += "  dropped: " + std::to_string(auxiliary) + " tensors of the auxiliary head\n";
  append(text, "final layer, drawn anew", drawn);
  append(text, "another shape in the file, drawn anew", other_shape);
  append(text, "not in the file, drawn anew", missing);
  append(text, "in the file, not in the net", unused);
  return text;
}

StartWeights load_cn_weights(const std::string& path, const SafeTensors& weights, ClassificationNetImpl& net) {
  StartWeights result = copy_matching(path, net_of(weights, "cls."), net.final_layer(), net);
  if (result.taken.empty()) throw Error(ErrorCode::kBadFormat, path + ": no tensor in it fits the classification net");
  return result;
}

StartWeights load_fmg_weights(const std::string& path, const SafeTensors& weights, FmgImpl& net) {
  StartWeights result = copy_matching(path, net_of(weights, "resface."), kNone, net);
  const auto refuse = [&](const std::string& why) { throw Error(ErrorCode::kBadFormat, path + ": " + why + " (FMG is taken whole or not at all)"); };
  if (!result.missing.empty()) refuse("no " + result.missing.front());
  if (!result.other_shape.empty()) refuse("another shape: " + result.other_shape.front());
  return result;
}

StartWeights load_start_weights(const std::string& path, const SafeTensors& weights, FmpnNetImpl& net) {
  StartWeights result = copy_matching(path, part_of(weights, ""), "cls." + net.cn->final_layer(), net);
  if (result.taken.empty()) throw Error(ErrorCode::kBadFormat, path + ": no tensor in it fits the networks (is it a model of fmpn-train?)");
  return result;
}

}  // namespace fmpn::train
