#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cv_configuration.h"

namespace fmpn::train {

/// What is wrong with a fold is told before the first one is trained, not hours later: masks or starting weights that are not there, a
/// class that is not left to train on. Throws kBadSetting with what `fit --check` said, kRuntime where a signal came.
void check_folds(const CvOptions& options, const std::vector<int>& folds);

/// Runs folds, at most `jobs` at a time. Each one's end is told on standard error as it comes.
class FoldRunner {
 public:
  FoldRunner(const CvOptions& options, std::vector<int> open);
  /// After a fault of this program: no fold is left running by itself.
  ~FoldRunner();
  FoldRunner(const FoldRunner&) = delete;
  FoldRunner& operator=(const FoldRunner&) = delete;

  /// Throws kRuntime where a fold fails (after those under way) or a signal came.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  bool goes_on() const;
  void start(int fold);
  void stop();
  void finished(pid_t child, int status);

  const CvOptions& options_;
  std::vector<int> open_;
  std::size_t total_, next_ = 0, done_ = 0;
  std::map<pid_t, int> running_;  // child → fold
  bool told_ = false;
  std::string fault_;
  Clock::time_point start_ = Clock::now();
};

/// The line that begins an attempt in a fold's log, which holds all of them.
std::string attempt_line(int fold);
/// What a fold that failed said last, in its latest attempt: its fault, or else two lines, since a wrong option is told in the one before a
/// hint. `log`: the text.
std::string last_words(std::string log);
/// "failed with status 1"; of 128 + n, as a shell gives it, the signal.
std::string failure_text(int status);

}  // namespace fmpn::train
