#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scores.h"

namespace fmpn::train {

/// What the last epoch's model makes of the held-out pictures: RUN/result.json.
struct RunResult {
  ConfusionMatrix confusion{std::vector<std::string>()};
  double calibration_error = 0;
  bool calibrated_here = false;  ///< temperature and threshold were fitted to these very pictures, which flatters `calibration_error`
  std::optional<double> mask_r2;  ///< see validation.h; guided runs alone
  std::optional<double> mean_mask_accuracy;  ///< where every face gets the mean of all masks: what is lost is what its own mask gave
  int fold = -1;         ///< −1: no fold
  std::string held_out;  ///< "split valid", "fold 3"
};

/// Throws kIo.
void write_result(const std::string& path, const RunResult& result);
/// Throws kNotFound, kBadFormat.
RunResult read_result(const std::string& path);

}  // namespace fmpn::train
