#pragma once

#include <string>
#include <vector>

#include <fmpn/image_view.h>

#include "run_folder.h"
#include "scores.h"

namespace fmpn::train {

/// The curves of a run side by side: losses and accuracy over the epochs of both phases. At least one epoch.
Image run_curves(const std::vector<EpochMetrics>& metrics);

/// Counts, shaded by their share of the true class; recall and precision at the edges.
Image confusion_chart(const std::string& title, const ConfusionMatrix& confusion);

/// A bar (0…1) for each name, with its value in per cent, and a line at `mean`.
Image bar_chart(const std::string& title, const std::vector<std::string>& names, const std::vector<double>& values, double mean);

}  // namespace fmpn::train
