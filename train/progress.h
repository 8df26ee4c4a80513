#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace fmpn::train {

/// Progress with speed and time left: one line that is redrawn on a terminal, a plain line every 15 s in a log.
class Progress {
 public:
  Progress(std::string what, long total) : what_(std::move(what)), total_(total) {}

  void update(long done) {
    const auto now = Clock::now();
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const double since = seconds(now - shown_);
    if (done < total_ && since < (terminal ? 0.2 : 15.0)) return;
    shown_ = now;
    const double spent = seconds(now - start_);
    const double rate = spent > 0 ? static_cast<double>(done) / spent : 0;
    const double left = rate > 0 ? static_cast<double>(total_ - done) / rate : 0;
    std::fprintf(stderr, "%s%s %ld/%ld  %.0f/s  %.0f s left%s", terminal ? "\r\033[K" : "", what_.c_str(), done, total_, rate, left,
                 terminal && done < total_ ? "" : "\n");
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }
  std::string what_;
  long total_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = Clock::now();
};

}  // namespace fmpn::train
