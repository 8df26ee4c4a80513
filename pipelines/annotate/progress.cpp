#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "files/json_text.h"

namespace fmpn::annotate {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string clock_text(double seconds) {
  const long s = std::lround(seconds);
  char text[32];
  if (s >= 3600) std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  return text;
}

std::string bar(double share, int width) {
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < full ? "█" : "░";
  return text;
}

double share_of(const Meter& meter) { return meter.duration > 0 ? std::min(1.0, meter.position / meter.duration) : 0; }

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

Progress::Style Progress::style_for(bool quiet, bool json) {
  if (json) return Style::kJson;
  if (quiet) return Style::kQuiet;
  return isatty(STDERR_FILENO) != 0 ? Style::kTerminal : Style::kLines;
}

Progress::Progress(Style style, std::size_t total) : style_(style), total_(total) {
  if (style_ == Style::kQuiet) return;
  thread_ = std::thread([this] {
    const auto pause = style_ == Style::kTerminal ? std::chrono::milliseconds(200)
                       : style_ == Style::kJson   ? std::chrono::milliseconds(1000)
                                                  : std::chrono::milliseconds(15000);
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, pause, [this] { return over_; })) show();
  });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    erase();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Progress::Job* Progress::begin(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Job& job = jobs_.emplace_back();
  job.name = name;
  if (style_ == Style::kJson) print_json(name, "start", "", nullptr);
  return &job;
}

void Progress::end(Job* job, const char* event, const std::string& line) {
  const std::lock_guard lock(mutex_);
  ++finished_;
  finished_frames_ += job->meter.frames;
  finished_seconds_ += job->meter.position;
  say(job->name, event, line, job);
  jobs_.remove_if([job](const Job& one) { return &one == job; });
}

void Progress::note(const std::string& name, const char* event, const std::string& line) {
  const std::lock_guard lock(mutex_);
  ++finished_;
  say(name, event, line, nullptr);
}

void Progress::say(const std::string& name, const char* event, const std::string& line, const Job* job) {
  if (style_ == Style::kJson) return print_json(name, event, line, job);
  if (style_ == Style::kQuiet) return;
  erase();
  std::fprintf(stderr, "%s\n", line.c_str());
  draw();
}

void Progress::print_json(const std::string& name, const char* event, const std::string& line, const Job* job) {
  nlohmann::ordered_json json{{"event", event}, {"input", name}};
  if (!line.empty()) json["message"] = line;
  if (job != nullptr) {
    const double spent = seconds_since(job->start);
    json["frames"] = job->meter.frames.load();
    json["position"] = std::round(job->meter.position * 1000) / 1000;
    json["duration"] = std::round(job->meter.duration * 1000) / 1000;
    json["frames_per_second"] = spent > 0 ? std::round(static_cast<double>(job->meter.frames) / spent * 10) / 10 : 0;
  }
  json["finished"] = finished_;
  json["total"] = total_;
  const double share = done_share();
  if (share > 0) json["seconds_left"] = std::round(seconds_since(start_) * (1 - share) / share);
  std::printf("%s\n", json_text(json).c_str());
  std::fflush(stdout);
}

void Progress::show() {
  if (style_ == Style::kJson) {
    for (const Job& job : jobs_) print_json(job.name, "progress", "", &job);
  } else if (style_ == Style::kTerminal) {
    erase();
    draw();
  } else {
    for (const Job& job : jobs_) std::fprintf(stderr, "%s\n", line_of(job, 0).c_str());
    std::fprintf(stderr, "%s\n", total_line().c_str());
  }
}

void Progress::erase() {
  if (drawn_ > 0) std::fprintf(stderr, "\033[%dA\033[J", drawn_);
  drawn_ = 0;
}

void Progress::draw() {
  if (style_ != Style::kTerminal || over_) return;
  // A screenful of bars at most: more would scroll away and could not be erased.
  for (const Job& job : jobs_) {
    if (drawn_ == 16) break;
    std::fprintf(stderr, "%s\n", line_of(job, terminal_width()).c_str());
    ++drawn_;
  }
  std::fprintf(stderr, "%s\n", total_line().c_str());
  ++drawn_;
}

std::string Progress::line_of(const Job& job, std::size_t width) const {
  const double spent = seconds_since(job.start), share = share_of(job.meter);
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "%3.0f %%  %llu frames  %.1f/s  %.2f× real time  %s left", 100 * share,
                static_cast<unsigned long long>(job.meter.frames.load()), spent > 0 ? static_cast<double>(job.meter.frames) / spent : 0,
                spent > 0 ? job.meter.position / spent : 0, share > 0 ? clock_text(spent * (1 - share) / share).c_str() : "?");
  if (width == 0) return job.name + "  " + numbers;
  const std::size_t room = width > 90 ? width - 82 : 10;
  const std::string name =
      job.name.size() > room ? "…" + job.name.substr(job.name.size() - room + 1) : job.name + std::string(room - job.name.size(), ' ');
  return name + " " + bar(share, 14) + " " + numbers;
}

double Progress::done_share() const {
  double done = static_cast<double>(finished_);
  for (const Job& job : jobs_) done += share_of(job.meter);
  return total_ > 0 ? std::min(1.0, done / static_cast<double>(total_)) : 1;
}

std::string Progress::total_line() const {
  std::uint64_t frames = finished_frames_;
  double seconds = finished_seconds_;
  for (const Job& job : jobs_) frames += job.meter.frames, seconds += job.meter.position;
  const double spent = seconds_since(start_), share = done_share();
  char text[160];
  std::snprintf(text, sizeof text, "all: %zu of %zu inputs  %3.0f %%  %.1f frames/s  %.2f× real time  %s spent, %s left", finished_, total_,
                100 * share, spent > 0 ? static_cast<double>(frames) / spent : 0, spent > 0 ? seconds / spent : 0,
                clock_text(spent).c_str(), share > 0 ? clock_text(spent * (1 - share) / share).c_str() : "?");
  return text;
}

}  // namespace fmpn::annotate
