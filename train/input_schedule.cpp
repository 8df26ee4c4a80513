#include "input_schedule.h"

#include <algorithm>
#include <charconv>

#include <fmpn/error.h>

namespace fmpn::train {

InputSchedule::InputSchedule(const std::string& text, int input_size) : input_size_(input_size) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto bad = [&](const std::string& what) { throw Error(ErrorCode::kBadSetting, "--input-schedule '" + text + "': " + what); };
  const auto number = [&] {
    int value = 0;
    const auto [next, fault] = std::from_chars(at, end, value);
    if (fault != std::errc() || value < 1) bad("SIDE:EPOCHS,SIDE:EPOCHS,… is wanted");
    at = next;
    return value;
  };
  while (at != end) {
    Part part{};
    part.side = number();
    if (at == end || *at++ != ':') bad("a side without its number of epochs");
    part.epochs = number();
    if (at != end && (*at++ != ',' || at == end)) bad("SIDE:EPOCHS,SIDE:EPOCHS,… is wanted");
    if (part.side > input_size || part.side % 4 != input_size % 4 || part.side < 8)
      bad("a side of " + std::to_string(part.side) + "; it must be 8 to " + std::to_string(input_size) + ", and " +
          std::to_string(input_size % 4) + " modulo 4 as that");
    parts_.push_back(part);
  }
}

int InputSchedule::smallest() const {
  int smallest = input_size_;
  for (const Part& part : parts_) smallest = std::min(smallest, part.side);
  return smallest;
}

int InputSchedule::side(int epoch) const {
  for (const Part& part : parts_) {
    if (epoch <= part.epochs) return part.side;
    epoch -= part.epochs;
  }
  return input_size_;
}

}  // namespace fmpn::train
