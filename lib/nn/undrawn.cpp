#include "nn/undrawn.h"

#include <torch/library.h>

namespace fmpn {
namespace {

// torch's modules draw in their constructors and offer no way to keep them from it. A dispatch key that torch itself has no use for is
// in force while UndrawnWeights lives; under it the two draws do nothing, and all else goes on as ever.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

torch::Tensor& undrawn(torch::Tensor& self, double, double, c10::optional<at::Generator>) { return self; }

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, m) { m.fallback(torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, m) {
  m.impl("uniform_", undrawn);
  m.impl("normal_", undrawn);
}

}  // namespace

UndrawnWeights::UndrawnWeights() : guard_(kKey) {}

}  // namespace fmpn
