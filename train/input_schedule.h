#pragma once

#include <string>
#include <vector>

namespace fmpn::train {

/// The side of the pictures in each epoch of phase 2: small ones first cost a fraction of the time and teach the same
/// first lessons.
class InputSchedule {
 public:
  /// `text`: SIDE:EPOCHS,… for the first epochs, e.g. "24:10,32:8"; all further epochs, or all where it is empty, have
  /// `input_size`. A side is no larger than `input_size` and has its remainder modulo 4, as FMG needs. Throws kBadSetting.
  InputSchedule(const std::string& text, int input_size);
  /// For 1-based `epoch`.
  int side(int epoch) const;
  int smallest() const;

 private:
  struct Part {
    int side, epochs;
  };
  std::vector<Part> parts_;
  int input_size_;
};

}  // namespace fmpn::train
