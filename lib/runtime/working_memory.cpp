#include "runtime/working_memory.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fmpn {
namespace {

constexpr std::size_t kIdleBytes = std::size_t{64} << 20;  // that are kept besides the block that was used last
constexpr std::size_t kFarLarger = 4;
constexpr int kPatience = 16;  // uses of a block that is far too large, until it is given up

}  // namespace

std::unique_ptr<Pages> WorkingMemory::take(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& block) { return block->size() >= bytes; });
    if (found != idle_.rend()) {
      auto block = std::move(*found);
      idle_.erase(std::next(found).base());
      too_large_ = block->size() > kIdleBytes && block->size() / kFarLarger > bytes ? too_large_ + 1 : 0;
      if (too_large_ < kPatience) return block;
      too_large_ = 0;
    }
  }
  return std::make_unique<Pages>(bytes);
}

void WorkingMemory::give_back(std::unique_ptr<Pages> block) {
  const std::lock_guard lock(mutex_);
  std::size_t kept = 0;
  for (auto other = idle_.rbegin(); other != idle_.rend(); ++other) {
    kept += (*other)->size();
    if (kept <= kIdleBytes) continue;
    idle_.erase(idle_.begin(), other.base());
    break;
  }
  idle_.push_back(std::move(block));
}

}  // namespace fmpn
