#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/arena_layout.h"
#include "runtime/layer_graph.h"
#include "runtime/onednn.h"
#include "runtime/pages.h"
#include "runtime/pixel_ops.h"

namespace fmpn {

struct NetPlan;

/// What is done in one go: a primitive of oneDNN, or a function of pixel_ops.h.
struct Operation {
  struct Argument {
    int key;
    onednn::Desc desc;
    int slot;              ///< −1: `shared` holds it
    dnnl::memory shared;   ///< weights and biases
  };
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  std::function<void(const NetPlan& plan, char* arena)> function;  ///< where there is no primitive
};

/// A network's operations for one number of pictures, and where in the working memory each value lies meanwhile.
struct NetPlan {
  std::vector<PixelBlock> shapes;  ///< by value
  std::vector<int> slot_of;        ///< by value
  std::vector<Slot> slots;
  std::vector<Operation> operations;
  std::size_t arena_bytes = 0;

  void* slot(char* arena, int index) const { return arena + slots[static_cast<std::size_t>(index)].offset; }
  const PixelBlock& shape(int value) const { return shapes[static_cast<std::size_t>(value)]; }
  void* at(char* arena, int value) const { return slot(arena, slot_of[static_cast<std::size_t>(value)]); }
};

/// A weight in a form that a primitive wants, in pages of its own.
struct PackedWeight {
  std::unique_ptr<Pages> pages;
  dnnl::memory memory;
};

/// A layer's weight and bias as the primitives want them: mostly one form, more where batch sizes want different ones.
struct PackedLayer {
  std::vector<PackedWeight> weights;
  dnnl::memory bias;
};

struct NetInput {
  std::int64_t side, channels;
};

dnnl::engine& cpu_engine();

/// The plan for `n` pictures. Weights that `packed` (one a layer) lacks are put there, and those of `graph` released then.
std::unique_ptr<const NetPlan> make_plan(LayerGraph& graph, std::vector<PackedLayer>& packed, const NumbersOf& numbers_of, bool bf16,
                                         std::int64_t n, const std::vector<NetInput>& inputs);

}  // namespace fmpn
