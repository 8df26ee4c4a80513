#pragma once

#include <string>

#include <torch/types.h>

#include <fmpn/engine.h>

#include "data_set.h"

namespace fmpn::train {

/// What the model in the file `teacher` says of every picture of `data`, N×K: the mean of its distributions (temperature 1: the model's
/// own was fitted to pictures that are held out) for two views of the crop, its centre and the whole of it. Crops of another size than the
/// teacher's are resized. (Distillation: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.)
/// Throws kBadSetting where its classes are not `classes`, in their order.
torch::Tensor soft_targets(const std::string& teacher, const EngineOptions& options, const std::vector<std::string>& classes,
                           const DataSet& data);

}  // namespace fmpn::train
