#pragma once

#include <string>

#include <torch/types.h>

#include <fmpn/engine.h>

#include "data_set.h"

namespace fmpn::train {

/// What the models in the files `teachers` say of every picture of `data`, N×K: the mean of their distributions (temperature 1: a model's
/// own was fitted to pictures that are held out) for two views of the crop, its centre and the whole of it. Crops of another size than a
/// teacher's are resized. (Distillation: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.)
/// Throws kBadSetting, naming the teacher, where its classes are not `classes`, in their order.
torch::Tensor soft_targets(const std::vector<std::string>& teachers, const EngineOptions& options, const std::vector<std::string>& classes,
                           const DataSet& data);

/// Keeps targets in a safetensors file, and reads them again. Reading throws kNotFound, or kBadFormat where they are not `count`×`classes`.
void write_soft_targets(const std::string& path, const torch::Tensor& targets);
torch::Tensor read_soft_targets(const std::string& path, std::int64_t count, std::int64_t classes);

}  // namespace fmpn::train
