#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report.h"

namespace fmpn::train {

/// The folds of a cross-validation, and what they come to.
struct CrossValidation {
  std::vector<RunResult> folds;  ///< by number, all of one list of classes
  double mean() const;           ///< unweighted, of the folds' accuracies: the figure that the paper reports
  /// The same where every face gets the mean of its fold's masks (RunResult::mean_mask_accuracy); none without masks.
  std::optional<double> mean_with_mean_mask() const;
  std::optional<double> mean_mask_r2() const;  ///< of the folds' masks (RunResult::mask_r2); none without masks
  double deviation() const;      ///< of the folds' accuracies (n − 1)
  ConfusionMatrix pooled() const;
};

/// Reads RUN/fold-<k>/result.json of every fold. Throws kNotFound, kBadFormat (also where the folds' classes differ).
CrossValidation read_folds(const std::string& run, int folds);

/// table.txt, table.json, predictions.csv, folds.png, confusion.png, curves.png and report.html in `run`; the text also as the answer.
std::string write_cross_validation(const std::string& run, const CrossValidation& result);

}  // namespace fmpn::train
