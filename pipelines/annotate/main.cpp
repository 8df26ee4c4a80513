// fmpn-annotate: recordings in, annotated video and data out.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include <gst/gst.h>

#include "annotate.h"

namespace {

std::atomic<bool> g_stop{false};

/// The first signal ends what is under way in order, the second at once.
void interrupted(int) {
  if (g_stop.exchange(true)) _exit(130);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, interrupted);
  std::signal(SIGTERM, interrupted);
  std::signal(SIGPIPE, SIG_IGN);
  int status = 0;
  try {
    const auto options = fmpn::annotate::parse_options(argc, argv, &status);
    if (!options) return status;
    gst_init(nullptr, nullptr);
    return options->merge ? fmpn::annotate::merge(*options) : fmpn::annotate::annotate(*options, g_stop);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "fmpn-annotate: %s\n", fault.what());
    return g_stop ? 130 : 1;
  }
}
