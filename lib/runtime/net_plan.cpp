#include "runtime/net_plan.h"

#include <algorithm>
#include <string_view>

#include <torch/types.h>

#include <fmpn/error.h>

#include "nn/upsample.h"

namespace fmpn {
namespace {

using dnnl::memory;
using onednn::Desc;
using onednn::Dims;
using Kind = Layer::Kind;

constexpr auto kFloat = memory::data_type::f32;

memory::data_type type_of(const PixelBlock& shape) { return shape.bf16 ? memory::data_type::bf16 : kFloat; }
Desc desc_of(const PixelBlock& shape) { return {{shape.n, shape.c, shape.h, shape.w}, type_of(shape), memory::format_tag::nhwc}; }
std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The 2×2 convolution that makes the four phases of an upsampling layer, one after the other, as interleave_phases() wants them: first
/// that of the even rows and columns.
torch::Tensor phases_in_turn(const torch::Tensor& weight) {
  return upsampling_phases(weight).flip({0, 1}).reshape({4 * weight.size(1), weight.size(0), 2, 2});
}

/// The layer's weight as it is convolved with.
torch::Tensor final_weight(const Layer& layer, const NumbersOf& numbers_of) {
  torch::Tensor weight = numbers_of(layer.weight);
  if (layer.factor.defined()) {
    // The output channels are the first dimension of a convolution's weight, the second of a transposed one's.
    std::vector<std::int64_t> shape(static_cast<std::size_t>(weight.dim()), 1);
    shape[layer.kind == Kind::kUpsample ? 1 : 0] = -1;
    const auto factor = layer.factor.view(shape);
    weight = weight.is_same(layer.weight) ? weight * factor : weight.mul_(factor);
  }
  return layer.kind == Kind::kUpsample ? phases_in_turn(weight) : weight;
}

/// Puts the numbers of `from` into `to`, whatever the forms of both.
void reorder(memory from, memory to) {
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

PackedWeight packed_weight(const memory& from, const Desc& wanted) {
  auto pages = std::make_unique<Pages>(wanted.get_size());
  const memory to(wanted, cpu_engine(), pages->data());
  reorder(from, to);
  return {std::move(pages), to};
}

std::vector<float> floats_of(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// Rows and columns that a product reaches over.
struct Window {
  Dims kernel, stride{1, 1}, padding{0, 0};
};

/// The first `count` of a layer's steps, done to a product on its way to memory: each is one post-op of oneDNN's.
struct FusedSteps {
  std::size_t count;
  int summed = -1;  ///< a value that is added from where it lies; −1: none, or one that lies where the result goes
};

using Product = dnnl::convolution_forward::primitive_desc;

Dims weight_dims(const PixelBlock& in, const PixelBlock& out, const Window& window) {
  return {out.c, in.c, window.kernel[0], window.kernel[1]};
}

bool is_reference(const Product& made) { return std::string_view(made.impl_info_str()).substr(0, 3) == "ref"; }

/// A step as a pass of its own. What is added is handed to apply_step() beside it.
PixelStep pixel_step(const Layer::Step& step) {
  PixelStep alone;
  if (step.kind == Layer::Step::Kind::kLeaky) alone.activation = PixelStep::Activation::kLeaky, alone.slope = step.slope;
  if (step.kind == Layer::Step::Kind::kSigmoid) alone.activation = PixelStep::Activation::kSigmoid;
  return alone;
}

class Planner {
 public:
  Planner(LayerGraph& graph, std::vector<PackedLayer>& packed, const NumbersOf& numbers_of, bool bf16)
      : graph_(graph), packed_(packed), numbers_of_(numbers_of), bf16_(bf16) {
    plan_.shapes.resize(at(graph.values));
    plan_.slot_of.assign(at(graph.values), -1);
    last_use_.assign(at(graph.values), 0);
    for (std::size_t i = 0; i < graph.layers.size(); ++i)
      for (const int input : graph.layers[i].inputs) last_use_[at(input)] = static_cast<int>(i);
    last_use_[at(graph.output)] = static_cast<int>(graph.layers.size());
  }

  std::unique_ptr<const NetPlan> plan(std::int64_t n, const std::vector<NetInput>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      define(static_cast<int>(i), {n, inputs[i].channels, inputs[i].side, inputs[i].side, bf16_});
    for (now_ = 0; now_ < static_cast<int>(graph_.layers.size()); ++now_) add(graph_.layers[at(now_)]);
    plan_.arena_bytes = place_slots(plan_.slots);
    return std::make_unique<const NetPlan>(std::move(plan_));
  }

 private:
  int new_slot(std::size_t bytes, int last) {
    plan_.slots.push_back({bytes, now_, last, 0});
    return static_cast<int>(plan_.slots.size()) - 1;
  }
  /// A value that nothing uses is written all the same.
  int needed_until(int value) const { return std::max(now_, last_use_[at(value)]); }
  void define(int value, const PixelBlock& shape) {
    plan_.shapes[at(value)] = shape;
    plan_.slot_of[at(value)] = new_slot(static_cast<std::size_t>(shape.bytes()), needed_until(value));
  }
  /// The value takes the place of another one, which nothing needs any more.
  void define_over(int value, const PixelBlock& shape, int old) {
    plan_.shapes[at(value)] = shape;
    const int slot = plan_.slot_of[at(value)] = plan_.slot_of[at(old)];
    plan_.slots[at(slot)].last = needed_until(value);
  }
  Operation::Argument of_value(int key, int value) const { return {key, desc_of(plan_.shape(value)), plan_.slot_of[at(value)], {}}; }
  Operation::Argument of_weight(int key, const memory& shared) const { return {key, shared.get_desc(), -1, shared}; }
  void need_one_precision(int a, int b) const {
    if (plan_.shape(a).bf16 != plan_.shape(b).bf16)
      throw Error(ErrorCode::kRuntime, "the CPU engine: one layer takes values of two precisions");
  }
  void scratchpad(Operation& operation, const Desc& desc) {
    if (desc.get_size() > 0) operation.arguments.push_back({DNNL_ARG_SCRATCHPAD, desc, new_slot(desc.get_size(), now_), {}});
  }
  void call(std::function<void(const NetPlan&, char*)> function) {
    plan_.operations.emplace_back();
    plan_.operations.back().function = std::move(function);
  }

  void add(Layer& layer);
  void convolution(Layer& layer, const PixelBlock& out);
  void upsample(Layer& layer, const PixelBlock& out);
  Product describe(const Layer& layer, const PixelBlock& out, const Window& window, const FusedSteps& fused) const;
  void convolve(Layer& layer, const PixelBlock& out, int slot, const Window& window, const FusedSteps& fused, const Product& made);
  void steps_apart(const Layer& layer, std::size_t first, int slot);
  void pool(const Layer& layer);
  void concatenate(const Layer& layer, PixelBlock out);
  void step(const Layer& layer);
  memory weight(Layer& layer, const Dims& dims, const Desc& wanted);
  memory bias(Layer& layer, std::int64_t repeats);

  LayerGraph& graph_;
  std::vector<PackedLayer>& packed_;
  const NumbersOf& numbers_of_;
  bool bf16_;
  NetPlan plan_;
  std::vector<int> last_use_;  ///< of each value: index of the layer
  int now_ = 0;                ///< index of the layer under way
};

void Planner::add(Layer& layer) {
  const PixelBlock in = plan_.shape(layer.inputs[0]);
  PixelBlock out = in;
  const auto reach = [&](std::size_t i, std::int64_t side) {
    return (side + 2 * layer.padding[i] - layer.kernel[i]) / layer.stride[i] + 1;
  };
  const bool bf16 = in.bf16 && !layer.single && layer.output != graph_.output;
  const int source = layer.inputs[0], target = layer.output;
  switch (layer.kind) {
    case Kind::kConvolution: return convolution(layer, {in.n, layer.channels, reach(0, in.h), reach(1, in.w), bf16});
    case Kind::kUpsample: return upsample(layer, {in.n, layer.channels, 2 * in.h + layer.extra, 2 * in.w + layer.extra, bf16});
    case Kind::kLinear:
      define(target, {in.n, layer.channels, 1, 1, bf16});
      return convolve(layer, plan_.shape(target), plan_.slot_of[at(target)], {{in.h, in.w}}, {layer.steps.size()},
                      describe(layer, plan_.shape(target), {{in.h, in.w}}, {layer.steps.size()}));
    case Kind::kMaxPool:
    case Kind::kAveragePool:
      out.h = reach(0, in.h), out.w = reach(1, in.w);
      define(target, out);
      return pool(layer);
    case Kind::kAdaptivePool:
      out.h = layer.kernel[0], out.w = layer.kernel[1];
      define(target, out);
      return call([=](const NetPlan& p, char* arena) {
        adaptive_average(p.at(arena, source), p.shape(source), p.at(arena, target), p.shape(target));
      });
    case Kind::kPick: {
      out.h = (in.h - 1) / layer.stride[0] + 1, out.w = (in.w - 1) / layer.stride[1] + 1;
      define(target, out);
      const auto stride = layer.stride;
      return call([=](const NetPlan& p, char* arena) {
        pick_pixels(p.at(arena, source), p.shape(source), stride[0], stride[1], p.at(arena, target), p.shape(target));
      });
    }
    case Kind::kConcat: return concatenate(layer, in);
    case Kind::kScale:
    case Kind::kActivation:
    case Kind::kAdd: return step(layer);
  }
}

void Planner::convolution(Layer& layer, const PixelBlock& out) {
  const Window window{{layer.kernel[0], layer.kernel[1]}, {layer.stride[0], layer.stride[1]}, {layer.padding[0], layer.padding[1]}};
  const auto is_sum = [](const Layer::Step& one) { return one.kind == Layer::Step::Kind::kAdd; };
  const auto sum = std::find_if(layer.steps.begin(), layer.steps.end(), is_sum);
  const int summed = sum == layer.steps.end() ? -1 : sum->value;
  // oneDNN adds to what lies there already: the fast way, where the addend is not needed again.
  const bool in_place = summed >= 0 && last_use_[at(summed)] == now_ && summed != layer.inputs[0] && plan_.shape(summed).bf16 == out.bf16;
  const FusedSteps all{layer.steps.size(), in_place ? -1 : summed};
  const Product made = describe(layer, out, window, all);
  // Without AVX-512 it has nothing but its reference, which is far slower, for a sum after an activation.
  if (summed >= 0 && plan_.shape(summed).bf16 == out.bf16 && is_reference(made)) {
    const FusedSteps before{static_cast<std::size_t>(sum - layer.steps.begin())};
    const Product shorter = describe(layer, out, window, before);
    if (!is_reference(shorter)) {
      const int product = new_slot(static_cast<std::size_t>(out.bytes()), now_);
      define(layer.output, out);
      convolve(layer, out, product, window, before, shorter);
      return steps_apart(layer, before.count, product);
    }
  }
  if (in_place) define_over(layer.output, out, summed);
  else define(layer.output, out);
  convolve(layer, out, plan_.slot_of[at(layer.output)], window, all, made);
}

void Planner::upsample(Layer& layer, const PixelBlock& out) {
  const PixelBlock in = plan_.shape(layer.inputs[0]);
  const PixelBlock phases{in.n, 4 * out.c, in.h + 1, in.w + 1, out.bf16};
  const int slot = new_slot(static_cast<std::size_t>(phases.bytes()), now_);
  define(layer.output, out);
  const Window window{{2, 2}, {1, 1}, {1, 1}};
  const FusedSteps all{layer.steps.size()};
  convolve(layer, phases, slot, window, all, describe(layer, phases, window, all));
  call([slot, phases, target = layer.output](const NetPlan& p, char* arena) {
    interleave_phases(p.slot(arena, slot), phases, p.at(arena, target), p.shape(target));
  });
}

Product Planner::describe(const Layer& layer, const PixelBlock& out, const Window& window, const FusedSteps& fused) const {
  const PixelBlock in = plan_.shape(layer.inputs[0]);
  dnnl::post_ops steps;
  for (std::size_t i = 0; i < fused.count; ++i) {
    const Layer::Step& one = layer.steps[i];
    if (one.kind == Layer::Step::Kind::kLeaky) onednn::append_eltwise(steps, dnnl::algorithm::eltwise_relu, one.slope);
    else if (one.kind == Layer::Step::Kind::kSigmoid) onednn::append_eltwise(steps, dnnl::algorithm::eltwise_logistic, 0);
    else if (fused.summed < 0) steps.append_sum(1);
    else steps.append_binary(dnnl::algorithm::binary_add, desc_of(plan_.shape(fused.summed)));
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(steps);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // the library's own is not made for several threads
  return onednn::convolution(cpu_engine(), desc_of(in), {weight_dims(in, out, window), type_of(in), memory::format_tag::any},
                             {{out.c}, kFloat, memory::format_tag::x}, desc_of(out), window.stride, window.padding, attributes);
}

/// `made`: what describe() says of the same.
void Planner::convolve(Layer& layer, const PixelBlock& out, int slot, const Window& window, const FusedSteps& fused, const Product& made) {
  Operation operation;
  operation.primitive = dnnl::convolution_forward(made);
  const memory weights = weight(layer, weight_dims(plan_.shape(layer.inputs[0]), out, window), made.weights_desc());
  operation.arguments = {of_value(DNNL_ARG_SRC, layer.inputs[0]),
                         of_weight(DNNL_ARG_WEIGHTS, weights),
                         of_weight(DNNL_ARG_BIAS, bias(layer, out.c / layer.channels)),
                         {DNNL_ARG_DST, desc_of(out), slot, {}}};
  for (std::size_t i = 0; i < fused.count && fused.summed >= 0; ++i)  // a step's post-op has its index
    if (layer.steps[i].kind == Layer::Step::Kind::kAdd)
      operation.arguments.push_back(of_value(DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1, fused.summed));
  scratchpad(operation, made.scratchpad_desc());
  plan_.operations.push_back(std::move(operation));
}

/// The layer's steps from `first` on, one after the other, from `slot` to where the layer's result goes.
void Planner::steps_apart(const Layer& layer, std::size_t first, int slot) {
  const PixelBlock shape = plan_.shape(layer.output);
  for (std::size_t i = first; i < layer.steps.size(); ++i) {
    const Layer::Step& one = layer.steps[i];
    const bool last = i + 1 == layer.steps.size();
    const int to = last ? plan_.slot_of[at(layer.output)] : new_slot(static_cast<std::size_t>(shape.bytes()), now_);
    const int addend = one.kind == Layer::Step::Kind::kAdd ? one.value : -1;
    call([=, step = pixel_step(one)](const NetPlan& p, char* arena) {
      apply_step(p.slot(arena, slot), shape, step, addend < 0 ? nullptr : p.at(arena, addend), p.slot(arena, to));
    });
    slot = to;
  }
}

memory Planner::weight(Layer& layer, const Dims& dims, const Desc& wanted) {
  auto& forms = packed_[at(now_)].weights;
  for (const PackedWeight& form : forms)
    if (form.memory.get_desc() == wanted) return form.memory;
  if (forms.empty()) {
    if (layer.kind == Kind::kLinear && layer.weight.numel() != dims[0] * dims[1] * dims[2] * dims[3])
      throw Error(ErrorCode::kRuntime, "the CPU engine: a linear layer of " + std::to_string(layer.weight.size(1)) + " inputs after " +
                                           std::to_string(dims[1] * dims[2] * dims[3]) + " values");
    const auto flat = final_weight(layer, numbers_of_).contiguous();
    forms.push_back(packed_weight({{dims, kFloat, memory::format_tag::oihw}, cpu_engine(), flat.data_ptr<float>()}, wanted));
    layer.weight.reset(), layer.factor.reset();
  } else {
    forms.push_back(packed_weight(forms.front().memory, wanted));
  }
  return forms.back().memory;
}

memory Planner::bias(Layer& layer, std::int64_t repeats) {
  memory& bias = packed_[at(now_)].bias;
  if (bias) return bias;
  const auto once = layer.bias.defined() ? layer.bias : torch::zeros({layer.channels}, torch::kFloat32);
  const auto flat = once.repeat({repeats}).contiguous();
  const Desc desc({layer.channels * repeats}, kFloat, memory::format_tag::x);
  bias = memory(desc, cpu_engine());
  reorder({desc, cpu_engine(), flat.data_ptr<float>()}, bias);
  layer.bias.reset();
  return bias;
}

void Planner::pool(const Layer& layer) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = layer.kind == Kind::kMaxPool ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_include_padding;
  const auto made = onednn::pooling(cpu_engine(), algorithm, desc_of(plan_.shape(layer.inputs[0])), desc_of(plan_.shape(layer.output)),
                                    {layer.stride[0], layer.stride[1]}, {layer.kernel[0], layer.kernel[1]},
                                    {layer.padding[0], layer.padding[1]}, attributes);
  Operation operation;
  operation.primitive = dnnl::pooling_forward(made);
  operation.arguments = {of_value(DNNL_ARG_SRC, layer.inputs[0]), of_value(DNNL_ARG_DST, layer.output)};
  scratchpad(operation, made.scratchpad_desc());
  plan_.operations.push_back(std::move(operation));
}

void Planner::concatenate(const Layer& layer, PixelBlock out) {
  out.c = 0;
  for (const int part : layer.inputs) {
    need_one_precision(layer.inputs[0], part);
    out.c += plan_.shape(part).c;
  }
  define(layer.output, out);
  std::int64_t offset = 0;
  for (const int part : layer.inputs) {
    call([=, target = layer.output](const NetPlan& p, char* arena) {
      copy_channels(p.at(arena, part), p.shape(part), p.at(arena, target), p.shape(target), offset);
    });
    offset += plan_.shape(part).c;
  }
}

/// What found no convolution to be done with.
void Planner::step(const Layer& layer) {
  define(layer.output, plan_.shape(layer.inputs[0]));
  PixelStep step;
  for (const Layer::Step& one : layer.steps) step = pixel_step(one);
  if (layer.weight.defined()) step.scale = floats_of(layer.weight), step.shift = floats_of(layer.bias);
  const int source = layer.inputs[0], addend = layer.kind == Kind::kAdd ? layer.inputs[1] : -1;
  if (addend >= 0) need_one_precision(source, addend);
  call([=, target = layer.output](const NetPlan& p, char* arena) {
    apply_step(p.at(arena, source), p.shape(source), step, addend < 0 ? nullptr : p.at(arena, addend), p.at(arena, target));
  });
}

}  // namespace

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

std::unique_ptr<const NetPlan> make_plan(LayerGraph& graph, std::vector<PackedLayer>& packed, const NumbersOf& numbers_of, bool bf16,
                                         std::int64_t n, const std::vector<NetInput>& inputs) {
  const torch::NoGradGuard no_grad;
  return Planner(graph, packed, numbers_of, bf16).plan(n, inputs);
}

}  // namespace fmpn
