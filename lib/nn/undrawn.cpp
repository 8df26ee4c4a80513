#include "nn/undrawn.h"

#include <deque>

#include <torch/library.h>
#include <torch/types.h>

#include "nn/torch_version.h"

namespace fmpn {
namespace {

// torch's modules draw in their constructors and offer no way to keep them from it. A dispatch key that torch itself has no use for is
// in force while UndrawnWeights lives; under it the two draws do nothing, and all else goes on as ever.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

torch::Tensor& undrawn(torch::Tensor& self, double, double, Optional<at::Generator>) { return self; }

/// Never ends: modules may be made as long as the process lives. It is held all the same, so that nobody takes it for a leak.
torch::Library& library(const char* name) {
  static auto* const libraries = new std::deque<torch::Library>;
  return libraries->emplace_back(torch::Library::IMPL, name, kKey, __FILE__, __LINE__);
}

bool registered() {
  try {
    library("_").fallback(torch::CppFunction::makeFallthrough());
  } catch (const c10::Error&) {
    return true;  // another copy of this library in the process (a program's own beside a plugin's) has done it
  }
  torch::Library& aten = library("aten");
  aten.impl("uniform_", undrawn);
  aten.impl("normal_", undrawn);
  return true;
}

c10::DispatchKey key() {
  static const bool once = registered();
  (void)once;
  return kKey;
}

}  // namespace

UndrawnWeights::UndrawnWeights() : guard_(key()) {}

}  // namespace fmpn
