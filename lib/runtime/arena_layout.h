#pragma once

#include <cstddef>
#include <vector>

namespace fmpn {

/// A piece of working memory that is needed from operation `first` to operation `last`.
struct Slot {
  std::size_t bytes = 0;
  int first = 0, last = 0;
  std::size_t offset = 0;  ///< place_slots() sets it
};

/// Gives every slot its place: slots that are needed at the same time don't overlap, the others may. Returns the bytes of
/// the whole; offsets are multiples of 64.
std::size_t place_slots(std::vector<Slot>& slots);

}  // namespace fmpn
