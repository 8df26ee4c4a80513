#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include <fmpn/model_info.h>

#include "manifest.h"

namespace fmpn::train {

/// A split of a prepared data set in memory.
struct DataSet {
  torch::Tensor crops;   ///< N×C×H×W uint8, C = 1 for a gray model, else 3; H = W = crop size
  torch::Tensor labels;  ///< N int64, index in `classes`
  int64_t size() const { return labels.defined() ? labels.size(0) : 0; }
};

/// Class names in the manifest, in the order of kExpressions.
std::vector<std::string> classes_of(const std::string& folder);

/// True where every crop is gray (R = G = B), judged on the first 64.
bool looks_gray(const std::string& folder);

/// Reads the crops that `selection` takes. Throws kBadFormat where it takes none, a label is not in `info.classes`, or a
/// crop has another size than `info.crop_size`.
DataSet load_data_set(const std::string& folder, const Selection& selection, const ModelInfo& info);

}  // namespace fmpn::train
