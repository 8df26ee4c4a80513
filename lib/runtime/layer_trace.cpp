#include "runtime/layer_graph.h"

#include <limits>

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/types.h>

#include <fmpn/error.h>

namespace fmpn {
namespace {

using torch::jit::Node;
using torch::jit::Value;
using Pair = std::array<std::int64_t, 2>;

Pair pair_of(const std::vector<std::int64_t>& list, std::int64_t fallback) {
  if (list.empty()) return {fallback, fallback};
  return {list.front(), list.back()};
}

class Translator {
 public:
  explicit Translator(const std::shared_ptr<torch::jit::Graph>& graph) : source_(graph) {}

  LayerGraph translate() {
    for (const Value* input : source_->inputs()) values_[input] = graph_.values++;
    for (const Node* node : source_->nodes()) translate(*node);
    graph_.output = values_.at(source_->outputs().at(0));
    return std::move(graph_);
  }

 private:
  static std::string name(const Node& node) { return node.kind().toQualString(); }

  c10::IValue constant(const Node& node, std::size_t i) const {
    const auto value = torch::jit::toIValue(node.input(i));
    if (!value) throw Error(ErrorCode::kRuntime, name(node) + ": operand " + std::to_string(i) + " is not a constant");
    return *value;
  }
  std::int64_t integer(const Node& node, std::size_t i) const { return constant(node, i).toInt(); }
  Pair integers(const Node& node, std::size_t i, std::int64_t fallback) const { return pair_of(constant(node, i).toIntVector(), fallback); }
  torch::Tensor tensor(const Node& node, std::size_t i) const {
    const c10::IValue value = constant(node, i);
    return value.isTensor() ? value.toTensor() : torch::Tensor();
  }
  /// What the examples' value measured there.
  static std::vector<std::int64_t> sizes(const Node& node, std::size_t i) {
    const auto known = node.input(i)->type()->expect<c10::TensorType>()->sizes().concrete_sizes();
    if (!known) unknown(name(node) + " of a value whose size is not known");
    return *known;
  }
  bool is_value(const Node& node, std::size_t i) const { return values_.count(node.input(i)) != 0; }
  int value(const Node& node, std::size_t i) const {
    const auto found = values_.find(node.input(i));
    if (found == values_.end()) throw Error(ErrorCode::kRuntime, name(node) + ": operand " + std::to_string(i) + " is no picture");
    return found->second;
  }

  [[noreturn]] static void unknown(const std::string& what) { throw Error(ErrorCode::kRuntime, "the CPU engine has no layer for " + what); }
  /// A constant 1×C×1×1 tensor, as C numbers.
  torch::Tensor by_channel(const Node& node, std::size_t i) const {
    const torch::Tensor numbers = tensor(node, i);
    if (!numbers.defined() || numbers.dim() != 4 || numbers.numel() != numbers.size(1) || numbers.numel() < 2)
      unknown(name(node) + " with a constant that has no number for each channel");
    return numbers.flatten();
  }

  Layer& add(const Node& node, Layer::Kind kind, std::vector<int> inputs) {
    Layer layer;
    layer.kind = kind;
    layer.inputs = std::move(inputs);
    layer.output = values_[node.output()] = graph_.values++;
    graph_.layers.push_back(std::move(layer));
    return graph_.layers.back();
  }
  void activation(const Node& node, Layer::Step step) { add(node, Layer::Kind::kActivation, {value(node, 0)}).steps = {step}; }
  void scale(const Node& node, std::size_t picture, const torch::Tensor& weight, const torch::Tensor& bias) {
    Layer& layer = add(node, Layer::Kind::kScale, {value(node, picture)});
    layer.weight = weight, layer.bias = bias;
  }

  void translate(const Node& node);
  void unchanged(const Node& node, const std::string& op);
  void in_place_relu(const Node& node);
  void addmm(const Node& node);
  void concatenation(const Node& node);
  void convolution(const Node& node);
  void linear(const Node& node, std::size_t picture, const torch::Tensor& weight, const torch::Tensor& bias);
  void batch_norm(const Node& node);
  void sum(const Node& node);
  void product(const Node& node);
  void pool(const Node& node, Layer::Kind kind);
  void slice(const Node& node);

  std::shared_ptr<torch::jit::Graph> source_;
  std::map<const Value*, int> values_;
  LayerGraph graph_;
};

void Translator::translate(const Node& node) {
  const std::string op = name(node);
  if (op == "prim::Constant" || op == "prim::ListConstruct") return;
  if (op == "aten::flatten" || op == "aten::contiguous" || op == "aten::dropout") unchanged(node, op);
  else if (op == "aten::_convolution") convolution(node);
  else if (op == "aten::batch_norm") batch_norm(node);
  else if (op == "aten::relu_") in_place_relu(node);
  else if (op == "aten::relu") activation(node, {Layer::Step::Kind::kLeaky, 0, -1});
  else if (op == "aten::sigmoid") activation(node, {Layer::Step::Kind::kSigmoid, 0, -1});
  else if (op == "aten::prelu") activation(node, {Layer::Step::Kind::kLeaky, tensor(node, 1).item<float>(), -1});
  else if (op == "aten::add") sum(node);
  else if (op == "aten::mul") product(node);
  else if (op == "aten::max_pool2d") pool(node, Layer::Kind::kMaxPool);
  else if (op == "aten::avg_pool2d") pool(node, Layer::Kind::kAveragePool);
  else if (op == "aten::adaptive_avg_pool2d") add(node, Layer::Kind::kAdaptivePool, {value(node, 0)}).kernel = integers(node, 1, 1);
  else if (op == "aten::slice") slice(node);
  else if (op == "aten::linear") linear(node, 0, tensor(node, 1), tensor(node, 2));
  else if (op == "aten::addmm") addmm(node);
  else if (op == "aten::cat") concatenation(node);
  else unknown(op);
}

/// What leaves the numbers as they lie, channels last: (input, first, last) or (input, …), and dropout in eval mode, (input, p, train).
void Translator::unchanged(const Node& node, const std::string& op) {
  if (op == "aten::flatten" && (integer(node, 1) != 1 || integer(node, 2) != -1)) unknown("flatten that keeps rows or joins pictures");
  if (op == "aten::dropout" && constant(node, 2).toBool()) unknown("dropout that drops");
  values_[node.output()] = value(node, 0);
}

/// The tracer gives what was changed in place a new value: from there on relu_ is relu, but for views of other values.
void Translator::in_place_relu(const Node& node) {
  const std::string before = name(*node.input(0)->node());
  if (before == "aten::slice" || before == "aten::flatten") unknown("relu_ of a part of a value");
  activation(node, {Layer::Step::Kind::kLeaky, 0, -1});
}

// (bias, input, weight, beta, alpha)
void Translator::addmm(const Node& node) {
  for (const std::size_t factor : {3U, 4U})
    if (constant(node, factor).toScalar().toDouble() != 1) unknown("addmm with a factor");
  linear(node, 1, tensor(node, 2).t(), tensor(node, 0));
}

// (parts, dimension)
void Translator::concatenation(const Node& node) {
  if (integer(node, 1) != 1) unknown("cat along anything but the channels");
  std::vector<int> parts;
  const Node& list = *node.input(0)->node();
  for (std::size_t i = 0; i < list.inputs().size(); ++i) parts.push_back(value(list, i));
  add(node, Layer::Kind::kConcat, std::move(parts));
}

// (input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, …)
void Translator::convolution(const Node& node) {
  const bool transposed = constant(node, 6).toBool();
  Layer& layer = add(node, transposed ? Layer::Kind::kUpsample : Layer::Kind::kConvolution, {value(node, 0)});
  layer.weight = tensor(node, 1), layer.bias = tensor(node, 2);
  layer.kernel = {layer.weight.size(2), layer.weight.size(3)};
  layer.stride = integers(node, 3, 1), layer.padding = integers(node, 4, 0);
  layer.channels = layer.weight.size(transposed ? 1 : 0);
  const Pair extra = integers(node, 7, 0);
  layer.extra = extra[0];
  const bool plain = integers(node, 5, 1) == Pair{1, 1} && integer(node, 8) == 1;
  const bool known = !transposed || (layer.kernel == Pair{4, 4} && layer.stride == Pair{2, 2} && layer.padding == Pair{1, 1} &&
                                     extra[0] == extra[1]);
  if (!plain || !known) unknown("a convolution with dilation or groups, or a transposed one other than 4×4, stride 2, padding 1");
}

void Translator::linear(const Node& node, std::size_t picture, const torch::Tensor& weight, const torch::Tensor& bias) {
  Layer& layer = add(node, Layer::Kind::kLinear, {value(node, picture)});
  layer.weight = weight, layer.bias = bias;
  layer.channels = weight.size(0);
}

// (input, weight, bias, mean, variance, training, momentum, eps, …)
void Translator::batch_norm(const Node& node) {
  if (constant(node, 5).toBool()) unknown("batch_norm in training");
  const auto weight = tensor(node, 1) / torch::sqrt(tensor(node, 4) + constant(node, 7).toDouble());
  scale(node, 0, weight, tensor(node, 2) - tensor(node, 3) * weight);
}

void Translator::sum(const Node& node) {
  if (!constant(node, 2).isScalar() || constant(node, 2).toScalar().toDouble() != 1) unknown("a sum with a factor");
  if (is_value(node, 0) && is_value(node, 1)) {
    if (sizes(node, 0) != sizes(node, 1)) unknown("a sum of values of different sizes");
    add(node, Layer::Kind::kAdd, {value(node, 0), value(node, 1)});
    return;
  }
  const auto shift = by_channel(node, 1);
  scale(node, 0, torch::ones_like(shift), shift);
}

void Translator::product(const Node& node) {
  const auto factor = by_channel(node, 1);
  scale(node, 0, factor, torch::zeros_like(factor));
}

// max: (input, kernel, stride, padding, dilation, ceil_mode), average: (input, kernel, stride, padding, ceil_mode, count_include_pad, …)
void Translator::pool(const Node& node, Layer::Kind kind) {
  const bool plain = kind == Layer::Kind::kMaxPool
                         ? integers(node, 4, 1) == Pair{1, 1} && !constant(node, 5).toBool()
                         : !constant(node, 4).toBool() && constant(node, 5).toBool() && constant(node, 6).isNone();
  if (!plain) unknown(name(node) + " with dilation, rounding up, or another divisor than its area");
  Layer& layer = add(node, kind, {value(node, 0)});
  layer.kernel = integers(node, 1, 1);
  const auto stride = constant(node, 2).toIntVector();
  layer.stride = stride.empty() ? layer.kernel : pair_of(stride, 1);
  layer.padding = integers(node, 3, 0);
}

// (input, dimension, start, end, step)
void Translator::slice(const Node& node) {
  const std::int64_t dimension = integer(node, 1), step = integer(node, 4);
  const c10::IValue start = constant(node, 2), end = constant(node, 3);
  const bool whole = (start.isNone() || start.toInt() == 0) && (end.isNone() || end.toInt() == std::numeric_limits<std::int64_t>::max());
  if ((dimension != 2 && dimension != 3) || !whole) unknown("a slice of anything but all rows or columns");
  Layer& layer = add(node, Layer::Kind::kPick, {value(node, 0)});
  layer.stride[static_cast<std::size_t>(dimension - 2)] = step;
}

}  // namespace

LayerGraph trace_layers(const TensorFunction& net, const std::vector<torch::Tensor>& examples) {
  const torch::NoGradGuard no_grad;
  const auto run = [&](const torch::jit::Stack& stack) -> torch::jit::Stack {
    std::vector<torch::Tensor> inputs;
    for (const c10::IValue& value : stack) inputs.push_back(value.toTensor());
    return {net(inputs)};
  };
  const auto traced =
      torch::jit::tracer::trace({examples.begin(), examples.end()}, run, [](const torch::Tensor&) { return std::string(); });
  auto graph = traced.first->graph;
  torch::jit::ConstantPropagation(graph);
  torch::jit::EliminateDeadCode(graph);
  return Translator(graph).translate();
}

}  // namespace fmpn
