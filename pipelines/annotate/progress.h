#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "meter.h"

namespace fmpn::annotate {

/// Tells how far the work is, from a thread of its own. On a terminal: a bar an input under way and one for all; else a plain
/// line now and then; as JSON: an object a line. Safe to call from several threads.
class Progress {
 public:
  enum class Style { kQuiet, kTerminal, kLines, kJson };

  /// One input under way.
  struct Job {
    std::string name;
    Meter meter;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  };

  /// `total`: inputs to be worked on. Everything but JSON goes to standard error.
  Progress(Style style, std::size_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  Job* begin(const std::string& name);
  /// `event` is done, failed or partial; `line` is what a person reads of it. `job` is gone afterwards.
  void end(Job* job, const char* event, const std::string& line);
  /// Without a job: an input that was not begun (skipped, or cannot be tried).
  void note(const std::string& name, const char* event, const std::string& line);

  static Style style_for(bool quiet, bool json);

 private:
  using Clock = std::chrono::steady_clock;
  void show();
  void erase();
  void draw();
  void say(const std::string& name, const char* event, const std::string& line, const Job* job);
  void print_json(const std::string& name, const char* event, const std::string& line, const Job* job);
  std::string line_of(const Job& job, std::size_t width) const;
  std::string total_line() const;
  double done_share() const;

  const Style style_;
  const std::size_t total_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;  ///< guards all below
  std::condition_variable wake_;
  bool over_ = false;
  std::list<Job> jobs_;
  std::size_t finished_ = 0;
  std::uint64_t finished_frames_ = 0;
  double finished_seconds_ = 0;
  int drawn_ = 0;  ///< lines on the terminal that are ours
  std::thread thread_;
};

}  // namespace fmpn::annotate
