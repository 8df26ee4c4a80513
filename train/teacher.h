#pragma once

#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include <fmpn/engine.h>

#include "data_set.h"

namespace fmpn::train {

/// What teachers say of a data set.
struct SoftTargets {
  torch::Tensor shares;  ///< N×K class shares
  std::string teachers;  ///< their names
};

/// The teachers' names. Throws kBadSetting, naming the teacher, where its classes are not `classes`, in their order.
std::string names_of_teachers(const std::vector<std::string>& teachers, const std::vector<std::string>& classes);

/// The mean of the distributions of the models in the files `teachers` (temperature 1: a model's own was fitted to pictures that are held
/// out) for two views of each crop, its centre and the whole of it. Crops of another size than a teacher's are resized. (Distillation:
/// Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.)
/// Throws as names_of_teachers().
SoftTargets soft_targets(const std::vector<std::string>& teachers, const EngineOptions& options, const std::vector<std::string>& classes,
                         const DataSet& data);

/// Stands for these classes and pictures in this order, with the same build of this library.
std::string soft_targets_key(const std::vector<std::string>& classes, const DataSet& data);

void keep_soft_targets(const std::string& path, const std::string& key, const SoftTargets& targets);
/// What was kept there under `key`; nothing where there is no file, or it was kept under another. Throws kBadFormat for a broken file.
std::optional<SoftTargets> kept_soft_targets(const std::string& path, const std::string& key);

}  // namespace fmpn::train
