#pragma once

#include "fit_options.h"
#include "nn/fmpn_net.h"

namespace fmpn::train {

/// The networks as a run begins with them, on the CPU: drawn by the seed, then what the files of weights say, of which it prints what was
/// taken and what was not. A run that is resumed reads no such file: its checkpoint has the weights. Throws kBadSetting where CN takes no
/// pictures as small as --input-schedule has, and what the files' readers do (start_weights.h).
FmpnNet initial_net(const FitOptions& options);

}  // namespace fmpn::train
