#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include <torch/types.h>

namespace fmpn {

/// One step of a network in eval mode. Values are numbered: a graph's inputs first.
struct Layer {
  enum class Kind {
    kConvolution,  ///< weight O×I×h×w, bias O
    kUpsample,     ///< transposed convolution 4×4, stride 2, padding 1; weight I×O×4×4, bias O; `extra` rows and columns (0 or 1)
    kLinear,       ///< weight O×(I·H·W), bias O
    kScale,        ///< x · weight + bias, each C: a batch norm on its own
    kActivation,   ///< `steps` holds it
    kAdd,          ///< of two values
    kConcat,       ///< along the channels
    kMaxPool,
    kAveragePool,   ///< padding counts
    kAdaptivePool,  ///< mean, to `kernel` rows and columns
    kPick,          ///< every stride-th pixel
  };
  /// What is done to the result on its way to memory.
  struct Step {
    enum class Kind { kLeaky, kSigmoid, kAdd } kind;
    float slope = 0;  ///< kLeaky: below zero; 0 is ReLU
    int value = -1;   ///< kAdd: what is added
  };
  Kind kind = Kind::kConvolution;
  std::vector<int> inputs;
  int output = -1;
  /// float32; an undefined bias is zero, an undefined factor one. A convolution's weight may be a mere stand-in for numbers that are
  /// still in a file: nothing looks into it before it is packed.
  torch::Tensor weight, bias;
  torch::Tensor factor;        ///< by output channel, that the weight is to be multiplied by
  std::int64_t channels = 0;   ///< that come out of a convolution, kUpsample or kLinear
  std::array<std::int64_t, 2> kernel{1, 1}, stride{1, 1}, padding{0, 0};
  std::int64_t extra = 0;
  std::vector<Step> steps;
  bool single = false;  ///< the result is kept in single precision, whatever the net's
};

/// A network as layers in the order of their running.
struct LayerGraph {
  int output = -1;
  int values = 0;
  std::vector<Layer> layers;
};

/// The numbers that a weight stands for, as a new tensor, or the weight itself; see OpenModel.
using NumbersOf = std::function<torch::Tensor(const torch::Tensor& weight)>;

using TensorFunction = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

/// Runs `net` once on `examples` (N×C×H×W) and writes down what it does. Nothing may depend on N, H or W but sizes.
/// Throws Error(kRuntime), naming it, for an operation that has no layer.
LayerGraph trace_layers(const TensorFunction& net, const std::vector<torch::Tensor>& examples);

/// Joins layers: batch norms into the convolutions before them, activations and sums into their steps; a convolution with
/// a wide kernel and one output, which vector units can't fill, becomes one along the rows and one down the columns.
void fuse_layers(LayerGraph& graph);

}  // namespace fmpn
