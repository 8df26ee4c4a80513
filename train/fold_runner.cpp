#include "fold_runner.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmpn/error.h>

#include "child.h"
#include "files/whole_file.h"
#include "interrupt.h"
#include "number_text.h"
#include "run_result.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kAttempt = "==== attempt of fold ";

}  // namespace

std::string attempt_line(int fold) {
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%F %T %z", std::localtime(&now));
  return kAttempt + std::to_string(fold) + ", " + date + " ====\n";
}

std::string last_words(std::string text) {
  if (const std::size_t attempt = text.rfind(kAttempt); attempt != std::string::npos)
    text.erase(0, std::min(text.find('\n', attempt), text.size() - 1) + 1);
  if (const std::size_t fault = text.rfind("fmpn-train: "); fault != std::string::npos) text.erase(0, fault);
  text.erase(text.find_last_not_of("\r\n") + 1);
  const std::size_t last = text.find_last_of("\r\n");
  const std::size_t before = last == std::string::npos || last == 0 ? std::string::npos : text.find_last_of("\r\n", last - 1);
  text = text.substr(before + 1);  // npos + 1 is 0
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "it said nothing" : text;
}

std::string failure_text(int status) {
  if (status <= 128) return "failed with status " + std::to_string(status);
  const int signal = status - 128;
  const std::string why = signal == SIGKILL ? ", perhaps for want of memory" : "";
  return "was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) + why + ")";
}

void check_folds(const CvOptions& o, const std::vector<int>& folds) {
  const std::string log = (fs::path(o.run) / "check.log").string();
  for (const int k : folds) {
    fs::remove(log);
    auto command = fold_command(o, k);
    command.insert(command.end(), {"--check", "--as-fold"});
    const pid_t child = start_child(command, log);
    int status = 0;
    while (wait_for_child({child}, 200, &status) == 0)
      if (g_stop_requested) kill(child, SIGTERM);
    if (g_stop_requested) throw Error(ErrorCode::kRuntime, "stopped while the folds were checked");
    const std::string said = read_if_there(log);
    if (status != 0) throw Error(ErrorCode::kBadSetting, "fold " + std::to_string(k) + ": " + last_words(said));
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);)
      if (line.rfind("fmpn-train: warning: ", 0) == 0) std::fprintf(stderr, "fold %d: %s\n", k, line.c_str());
  }
  fs::remove(log);
}

FoldRunner::FoldRunner(const CvOptions& options, std::vector<int> open) : options_(options), open_(std::move(open)), total_(open_.size()) {}

FoldRunner::~FoldRunner() {
  stop();
  for (const auto& item : running_) wait_for_end(item.first);
}

bool FoldRunner::goes_on() const { return next_ < total_ && fault_.empty() && !g_stop_requested; }

void FoldRunner::run() {
  while (!running_.empty() || goes_on()) {
    while (running_.size() < static_cast<std::size_t>(options_.jobs) && goes_on()) start(open_[next_++]);
    if (g_stop_requested && !told_) {
      stop();
      told_ = true;
    }
    std::vector<pid_t> children;
    for (const auto& item : running_) children.push_back(item.first);
    int status = 0;
    if (const pid_t child = wait_for_child(children, 200, &status); child != 0) finished(child, status);
  }
  if (g_stop_requested) throw Error(ErrorCode::kRuntime, "stopped; --resume goes on in " + options_.run);
  if (!fault_.empty()) throw Error(ErrorCode::kRuntime, fault_ + "; --resume goes on in " + options_.run);
}

void FoldRunner::start(int k) {
  const std::string log = fold_log(options_, k);
  std::fprintf(stderr, "fold %d: begins (%s)\n", k, log.c_str());
  std::ofstream(log, std::ios::app) << attempt_line(k);
  running_[start_child(fold_command(options_, k), log)] = k;
}

void FoldRunner::stop() {
  for (const auto& item : running_) kill(item.first, SIGTERM);
}

void FoldRunner::finished(pid_t child, int status) {
  const int k = running_.at(child);
  running_.erase(child);
  if (status != 0) {
    if (g_stop_requested) return;
    const std::string fault =
        "fold " + std::to_string(k) + " " + failure_text(status) + ": " + last_words(read_if_there(fold_log(options_, k)));
    // Those under way may go on for hours.
    std::fprintf(stderr, "%s%s\n", fault.c_str(), running_.empty() ? "" : "; no other fold is begun, those under way go on");
    fault_ += (fault_.empty() ? "" : "; ") + fault;
    return;
  }
  ++done_;
  const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
  const RunResult result = read_result((fs::path(fold_folder(options_, k)) / "result.json").string());
  std::fprintf(stderr, "fold %d: %s %% of %ld pictures; %zu of %zu done, about %.0f min left\n", k,
               percent_text(result.confusion.accuracy()).c_str(), result.confusion.total(), done_, total_,
               spent / static_cast<double>(done_) * static_cast<double>(total_ - done_) / 60);
}

}  // namespace fmpn::train
