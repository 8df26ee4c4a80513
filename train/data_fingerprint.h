#pragma once

#include <string>

#include <torch/types.h>

#include <fmpn/model_info.h>

#include "data_set.h"

namespace fmpn::train {

/// What a run is trained on, a line each: classes and colour, the pictures to train on and those held out (names and labels, in their
/// order), the ground-truth masks, the pictures' pixels. A run that goes on must find the same.
std::string data_fingerprint(const ModelInfo& info, const DataSet& train, const DataSet& valid, const torch::Tensor& class_masks);

/// The first line in which two fingerprints differ: "the pictures to train on: 31, 5a0e93c1 (the run: 42, 01d2c8f7)". Empty: none.
std::string fingerprint_difference(const std::string& now, const std::string& of_run);

}  // namespace fmpn::train
