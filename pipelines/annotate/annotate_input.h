#pragma once

#include <atomic>
#include <string>

#include "inputs.h"
#include "manifest.h"
#include "meter.h"
#include "options.h"

namespace fmpn::annotate {

/// What became of an input, and how one says it.
struct Outcome {
  Entry entry;
  std::string line;
};

/// Annotates one input into OUT/NAME. Everything that is wrong with the input is in the outcome, not thrown: an input's fault is
/// no other's. `settings` is their hash; `known` is the fingerprint that was seen last.
Outcome annotate_input(const Input& input, const Options& options, const std::string& settings, const Fingerprint& known, Meter& meter,
                       const std::atomic<bool>& stop);

}  // namespace fmpn::annotate
