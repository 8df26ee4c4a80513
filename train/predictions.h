#pragma once

#include <string>
#include <vector>

#include <fmpn/model_info.h>

namespace fmpn::train {

/// What a model answers to a picture whose class is known.
struct Prediction {
  std::string path;  ///< the picture's, as its data set's manifest names it
  std::string label;
  std::vector<float> probabilities;  ///< one a class, calibrated; sum to 1
};

/// A CSV file with a line a picture, in their order, for tests of one's own (paired ones, or over subjects): `path`, `label`, `named`
/// (the most probable class), `confidence`, `answered` (0: the product says `uncertain`), and p_<class> of every class. Throws kIo.
void write_predictions(const std::string& file, const ModelInfo& info, const std::vector<Prediction>& predictions);

/// Such files, of folds 0 … n − 1, in one, with the column `fold` before the others. Nothing is written where one of them is missing:
/// a run of an older version lacks it. Throws kBadFormat, kIo.
void join_predictions(const std::string& file, const std::vector<std::string>& of_folds);

}  // namespace fmpn::train
