#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "runtime/pages.h"

namespace fmpn {

/// Memory that networks work in while they run. Those that run one after the other share it. A large batch's block is given
/// up when smaller ones have followed for a while. Safe to use from several threads.
class WorkingMemory {
 public:
  /// A block of at least `bytes`; what it holds is left over from its last use.
  std::unique_ptr<Pages> take(std::size_t bytes);
  void give_back(std::unique_ptr<Pages> block);

 private:
  std::mutex mutex_;                          // guards what follows
  std::vector<std::unique_ptr<Pages>> idle_;  // the last used at the end
  int too_large_ = 0;                         // how often in a row a block was taken that is far larger than was asked for
};

}  // namespace fmpn
