#include "runtime/layer_graph.h"

#include <algorithm>

#include <torch/types.h>

namespace fmpn {
namespace {

class Fusion {
 public:
  explicit Fusion(LayerGraph& graph) : graph_(graph), producer_(static_cast<std::size_t>(graph.values), -1), uses_(producer_.size(), 0) {
    for (std::size_t i = 0; i < graph.layers.size(); ++i) {
      producer_[at(graph.layers[i].output)] = static_cast<int>(i);
      for (const int input : graph.layers[i].inputs) ++uses_[at(input)];
    }
    ++uses_[at(graph.output)];
  }

  void run() {
    for (std::size_t i = 0; i < graph_.layers.size(); ++i) {
      Layer& layer = graph_.layers[i];
      if (layer.kind == Layer::Kind::kScale) fold_scale(layer);
      else if (layer.kind == Layer::Kind::kActivation) take_steps(layer);
      else if (layer.kind == Layer::Kind::kAdd) take_sum(layer);
      else if (layer.kind == Layer::Kind::kPick) join_picks(layer);
    }
    auto& layers = graph_.layers;
    layers.erase(std::remove_if(layers.begin(), layers.end(), [](const Layer& layer) { return layer.output < 0; }), layers.end());
  }

 private:
  static std::size_t at(int value) { return static_cast<std::size_t>(value); }

  /// The layer that makes `value`, where nothing else uses it.
  Layer* sole_producer(int value) {
    const int index = producer_[at(value)];
    return index < 0 || uses_[at(value)] != 1 ? nullptr : &graph_.layers[static_cast<std::size_t>(index)];
  }
  /// `into` makes what `gone` made.
  void replace(Layer& gone, Layer& into) {
    into.output = gone.output;
    producer_[at(into.output)] = static_cast<int>(&into - graph_.layers.data());
    gone.output = -1;
  }
  static bool is_product(const Layer& layer) {
    return layer.kind == Layer::Kind::kConvolution || layer.kind == Layer::Kind::kUpsample || layer.kind == Layer::Kind::kLinear;
  }

  static bool adds(const Layer& layer) {
    return std::any_of(layer.steps.begin(), layer.steps.end(),
                       [](const Layer::Step& step) { return step.kind == Layer::Step::Kind::kAdd; });
  }
  void fold_scale(Layer& scale) {
    Layer* before = sole_producer(scale.inputs[0]);
    if (before == nullptr || !before->steps.empty() || (!is_product(*before) && before->kind != Layer::Kind::kScale)) return;
    if (before->bias.defined()) before->bias = before->bias * scale.weight + scale.bias;
    else before->bias = scale.bias;
    torch::Tensor& factor = before->kind == Layer::Kind::kScale ? before->weight : before->factor;
    factor = factor.defined() ? factor * scale.weight : scale.weight;
    replace(scale, *before);
  }

  void take_steps(Layer& activation) {
    Layer* before = sole_producer(activation.inputs[0]);
    if (before == nullptr || !(is_product(*before) || (before->kind == Layer::Kind::kScale && before->steps.empty()))) return;
    before->steps.push_back(activation.steps.front());
    replace(activation, *before);
  }

  void take_sum(Layer& sum) {
    for (const int operand : {1, 0}) {
      Layer* before = sole_producer(sum.inputs[at(operand)]);
      const int other = sum.inputs[at(1 - operand)];
      if (before == nullptr || before->kind != Layer::Kind::kConvolution || before->steps.size() > 1 || adds(*before)) continue;
      if (producer_[at(other)] >= static_cast<int>(before - graph_.layers.data())) continue;  // it isn't there yet
      before->steps.push_back({Layer::Step::Kind::kAdd, 0, other});
      before->inputs.push_back(other);
      return replace(sum, *before);
    }
  }

  void join_picks(Layer& pick) {
    Layer* before = sole_producer(pick.inputs[0]);
    if (before == nullptr || before->kind != Layer::Kind::kPick) return;
    for (std::size_t i = 0; i < 2; ++i) before->stride[i] *= pick.stride[i];
    replace(pick, *before);
  }

  LayerGraph& graph_;
  std::vector<int> producer_;  ///< of each value: index of its layer; −1: an input
  std::vector<int> uses_;
};

/// h×w → 1: each row of the kernel is an output of a 1×w convolution, and an h×1 convolution adds them up.
void split_wide_kernels(LayerGraph& graph) {
  std::vector<Layer> layers;
  for (Layer& layer : graph.layers) {
    const bool wide = layer.kind == Layer::Kind::kConvolution && layer.weight.size(0) == 1 && layer.weight.size(1) >= 8 &&
                      layer.kernel[0] >= 5 && layer.stride[0] == 1;
    if (!wide) {
      layers.push_back(std::move(layer));
      continue;
    }
    const std::int64_t rows = layer.kernel[0];
    Layer across;
    across.inputs = layer.inputs;
    across.output = graph.values++;
    across.weight = layer.weight.permute({2, 1, 0, 3});
    across.channels = rows;
    across.kernel = {1, layer.kernel[1]}, across.padding = {0, layer.padding[1]};
    across.single = true;
    layer.weight = torch::eye(rows).view({1, rows, rows, 1});
    across.inputs.resize(1);  // what is added is added at the end
    layer.inputs.front() = across.output;
    layer.kernel = {rows, 1}, layer.padding = {layer.padding[0], 0};
    layers.push_back(std::move(across));
    layers.push_back(std::move(layer));
  }
  graph.layers = std::move(layers);
}

}  // namespace

void fuse_layers(LayerGraph& graph) {
  const torch::NoGradGuard no_grad;
  Fusion(graph).run();
  split_wide_kernels(graph);
}

}  // namespace fmpn
