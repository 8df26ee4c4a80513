#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmpn/image_view.h>

#include "run_folder.h"
#include "scores.h"

namespace fmpn::train {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// A panel of curves over a common x; the y axis begins at 0 and ends at a round number, or at 1 for a `share`.
Image line_chart(const std::string& title, const std::string& x_label, const std::vector<Series>& series, bool share);

/// The curves of a run side by side: losses and accuracy over the epochs of both phases. At least one epoch.
Image run_curves(const std::vector<EpochMetrics>& metrics);

/// Counts, shaded by their share of the true class; recall and precision at the edges.
Image confusion_chart(const std::string& title, const ConfusionMatrix& confusion);

/// A bar (0…1) for each name, with its value in per cent, and a line at `mean`.
Image bar_chart(const std::string& title, const std::vector<std::string>& names, const std::vector<double>& values, double mean);

}  // namespace fmpn::train
