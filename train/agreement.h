#pragma once

#include <string>

#include "data_set.h"

namespace fmpn::train {

/// Share of `data` on which the model file gives the same label in bfloat16 as in single precision, on this CPU. The
/// engine's `auto` asks for it. Negative where the CPU has no bfloat16.
double bfloat16_agreement(const std::string& model, const DataSet& data);

}  // namespace fmpn::train
