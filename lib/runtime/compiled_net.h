#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/layer_graph.h"
#include "runtime/working_memory.h"

namespace fmpn {

struct NetInput;

/// A network for the CPU: convolutions by oneDNN in single precision or bfloat16, pixels channels last, activations and sums
/// done on the way to memory, weights packed once for all numbers of pictures that want them in the same form. For every number of
/// pictures the primitives are made at its first use and kept. Safe to call from several threads: each call has working memory of
/// its own, which is used again.
class CompiledNet {
 public:
  /// `graph` after fuse_layers(); its weights are read one by one as they get packed, and released. `inputs`: S and C of each, S×S
  /// pixels. `threads` ≥ 1 that a call may use. `memory`: to work in, shared with the nets that run before or after this one.
  CompiledNet(LayerGraph graph, const NumbersOf& numbers_of, std::vector<NetInput> inputs, bool bf16, int threads,
              std::shared_ptr<WorkingMemory> memory);
  ~CompiledNet();

  /// `inputs`: N×S×S×C floats each. Returns N×H×W×C floats.
  std::vector<float> run(std::int64_t n, const std::vector<const float*>& inputs) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn
