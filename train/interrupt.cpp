#include "interrupt.h"

#include <csignal>
#include <initializer_list>

namespace fmpn::train {

std::atomic<bool> g_stop_requested{false};

void stop_on_signals() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { g_stop_requested = true; });
}

}  // namespace fmpn::train
