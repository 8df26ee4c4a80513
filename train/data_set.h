#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include <fmpn/model_info.h>

#include "manifest.h"

namespace fmpn::train {

/// A split of a prepared data set: in memory, or on disk where it would take more than was allowed.
struct DataSet {
  torch::Tensor crops;             ///< N×C×H×W uint8, C = 1 for a gray model, else 3; H = W = crop size; undefined: on disk
  torch::Tensor labels;            ///< N int64, index in `classes`
  torch::Tensor targets;           ///< N×K float, class shares to train on: all of the label's class
  std::string folder;              ///< of the files
  std::vector<std::string> paths;  ///< N files, as the manifest names them: relative to `folder`
  std::vector<std::uint64_t> keys; ///< N, see pixel_key.h: of equal pictures alike
  int64_t planes = 3, side = 0;    ///< C and H
  std::string file(std::size_t index) const;
  int64_t size() const { return labels.defined() ? labels.size(0) : 0; }
  /// The crops of `indices` (M int64) as M×C×H×W uint8; decoded by all cores where they are on disk. Throws kBadFormat,
  /// naming the file, for one that has changed since it was looked at.
  torch::Tensor take(const torch::Tensor& indices) const;
};

// `rows`: the manifest of the prepared data set in `folder`.

/// Class names in the manifest, in the order of kExpressions.
std::vector<std::string> classes_of(const std::string& folder, const std::vector<ManifestRow>& rows);

/// True where every crop is gray (R = G = B), judged on 256 of them, from the first to the last.
bool looks_gray(const std::string& folder, const std::vector<ManifestRow>& rows);

/// Reads the crops that `selection` takes. Throws kBadFormat where it takes none, a label is not in `info.classes`, or a
/// crop has another size than `info.crop_size`. Crops of more than `cache_bytes` stay on disk, and every one is looked at once.
DataSet load_data_set(const std::string& folder, const std::vector<ManifestRow>& rows, const Selection& selection, const ModelInfo& info,
                      std::int64_t cache_bytes);

/// The indices in `data` of the pictures whose pixels none of `others` has.
std::vector<int64_t> indices_not_in(const DataSet& data, const DataSet& others);
/// `data` without the pictures whose pixels one of `others` has.
DataSet without_duplicates(const DataSet& data, const DataSet& others);

}  // namespace fmpn::train
