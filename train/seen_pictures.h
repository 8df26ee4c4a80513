#pragma once

#include <string>

#include <fmpn/model_info.h>

#include "manifest.h"

namespace fmpn::train {

/// What `model` says that it was trained on, where pictures of `selection` of the data set in the folder `data` are among it: "all folds of
/// heads but fold 0". Empty: none, or it does not say. Data sets are known by their folders' names.
std::string seen_of(const ModelInfo& model, const std::string& data, const Selection& selection);

}  // namespace fmpn::train
