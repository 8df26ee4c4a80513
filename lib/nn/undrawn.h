#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

namespace fmpn {

/// While it lives, modules that this thread makes have weights without values: nothing is drawn at random, and no page of them is
/// touched. For networks whose weights come from a file.
class UndrawnWeights {
 public:
  UndrawnWeights();

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

}  // namespace fmpn
