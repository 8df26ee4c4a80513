#pragma once

#include <atomic>

namespace fmpn::train {

/// Set by SIGINT and SIGTERM once stop_on_signals() has been called: long work ends after the step under way, with
/// everything whole that is on the disk.
extern std::atomic<bool> g_stop_requested;
void stop_on_signals();

}  // namespace fmpn::train
