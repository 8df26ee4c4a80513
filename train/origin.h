#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fit_options.h"

namespace fmpn::train {

/// Where a model that `fit` makes comes from, for its provenance: data, protocol, what it started from, who taught it. `teachers`: their
/// names.
std::map<std::string, std::string> origin_of(const FitOptions& options, std::int64_t train_size, const std::string& teachers);

/// "last epoch of 46, seed 1, ablation none", or, of an epoch of phase 2 that was chosen, "epoch 31 of 46, the best on split valid, …".
std::string protocol_of(const FitOptions& options, int chosen_epoch = 0);

}  // namespace fmpn::train
