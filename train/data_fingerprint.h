#pragma once

#include <string>

#include <torch/types.h>

#include <fmpn/model_info.h>

#include "data_set.h"

namespace fmpn::train {

/// What a run is trained on, a line each: classes and colour, the pictures to train on and those held out (labels, and names below the data
/// set's folder, in their order), the ground-truth masks, the pictures' pixels. A run that goes on must find the same, wherever it lies.
/// Two lines more are what an older version would say: it took the names with the folder as it was given.
std::string data_fingerprint(const ModelInfo& info, const DataSet& train, const DataSet& valid, const torch::Tensor& class_masks);

/// The first line in which two fingerprints differ: "the pictures to train on: 31 named 5a0e93c1 (the run: 42 named 01d2c8f7)". Empty:
/// none. `of_run` may be an older version's, which is compared as that version did.
std::string fingerprint_difference(const std::string& now, const std::string& of_run);

}  // namespace fmpn::train
