#pragma once

#include <optional>
#include <string>

#include "data_set.h"

namespace fmpn::train {

/// What bfloat16 changes; the engine's `auto` asks for it.
struct Bfloat16Agreement {
  double same_labels = 0;      ///< share of the pictures
  double mask_difference = 0;  ///< the largest one between two values of a mask; 0 without masks
};

/// Of the model file on `data`, bfloat16 against single precision, on this CPU with so many threads (0: all
/// cores). None where it has no bfloat16, or without data.
std::optional<Bfloat16Agreement> bfloat16_agreement(const std::string& model, const DataSet& data, int threads);

}  // namespace fmpn::train
