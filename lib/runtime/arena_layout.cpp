#include "runtime/arena_layout.h"

#include <algorithm>
#include <numeric>

namespace fmpn {

std::size_t place_slots(std::vector<Slot>& slots) {
  constexpr std::size_t kAlignment = 64;
  std::vector<std::size_t> order(slots.size());
  std::iota(order.begin(), order.end(), 0U);
  // The largest first: small ones find room between them.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return slots[a].bytes > slots[b].bytes; });
  std::vector<const Slot*> placed;  // by offset
  std::size_t total = 0;
  for (const std::size_t index : order) {
    Slot& slot = slots[index];
    const std::size_t bytes = (slot.bytes + kAlignment - 1) / kAlignment * kAlignment;
    slot.offset = 0;
    for (const Slot* other : placed) {
      const bool together = other->first <= slot.last && slot.first <= other->last;
      if (!together) continue;
      if (other->offset >= slot.offset + bytes) break;  // it fits before this one
      slot.offset = std::max(slot.offset, other->offset + (other->bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &slot, [](const Slot* a, const Slot* b) { return a->offset < b->offset; }),
                  &slot);
    total = std::max(total, slot.offset + bytes);
  }
  return total;
}

}  // namespace fmpn
