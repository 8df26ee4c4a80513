#pragma once

#include <atomic>

#include "options.h"

namespace fmpn::annotate {

/// Annotates every input of this process's shard. Returns the exit status: 0 all are done, 1 some failed, 130 interrupted.
/// Throws what concerns the whole run: the model, the output folder, the settings.
int annotate(const Options& options, const std::atomic<bool>& stop);

/// `fmpn-annotate merge`. Returns the exit status: 0 all inputs of all shards are done, 1 some failed.
int merge(const Options& options);

}  // namespace fmpn::annotate
