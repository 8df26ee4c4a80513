#pragma once

#include <cstdint>
#include <vector>

#include "data_set.h"
#include "fit_options.h"
#include "run_folder.h"
#include "trainer.h"

namespace fmpn::train {

/// Writes what a run leaves behind: last.safetensors (the last epoch's averaged weights, measured and calibrated as they stand in the
/// file), what it makes of `valid` (predictions.csv; result.json, last of all) and the report. `unseen`: the indices in `valid` that may
/// be calibrated on. Throws kIo.
void write_finished_run(Trainer& trainer, const RunFolder& run, const FitOptions& options, const DataSet& valid,
                        const std::vector<std::int64_t>& unseen);

}  // namespace fmpn::train
