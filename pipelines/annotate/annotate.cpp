#include "annotate.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <fmpn/aligner.h>
#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "annotate_input.h"
#include "files/usable_processors.h"
#include "files/whole_file.h"
#include "overall.h"
#include "progress.h"
#include "report.h"
#include "result_folder.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

Precision precision_named(const std::string& name) {
  return name == "fp32" ? Precision::kFp32 : name == "bf16" ? Precision::kBf16 : Precision::kAuto;
}

/// The one that the elements will ask for.
std::string landmark_model_of(const Options& options) {
  for (const auto& [property, value] : options.align)
    if (property == "landmark-model" && !value.empty()) return value;
  return default_landmark_model();
}

/// Inputs at a time share the cores, where the user does not say otherwise: each one's helpers would wait for all the others'.
int threads_of_each(std::size_t jobs) {
  if (jobs < 2 || std::getenv("OMP_NUM_THREADS") != nullptr) return 0;
  return std::max(1, usable_processors() / static_cast<int>(jobs));
}

/// The run: a queue of inputs, worked off by `jobs` threads.
class Run {
 public:
  Run(const Options& options, std::vector<Input> inputs, std::string settings, Manifest& manifest, const std::atomic<bool>& stop)
      : options_(options), inputs_(std::move(inputs)), settings_(std::move(settings)), manifest_(manifest), stop_(stop),
        progress_(Progress::style_for(options.quiet, options.json_progress), inputs_.size()) {}

  void work() {
    std::vector<std::thread> threads;
    for (int i = 1; i < options_.jobs; ++i) threads.emplace_back([this] { take_inputs(); });
    take_inputs();
    for (std::thread& thread : threads) thread.join();
    if (fault_) std::rethrow_exception(fault_);
  }

  /// Of all inputs, also of those that an interruption came before: done by an earlier run, or not begun.
  std::vector<Entry> entries() const {
    std::map<std::string, Entry> all = entries_;
    for (const Input& input : inputs_) {
      if (all.count(input.name) != 0) continue;
      const auto before = options_.resume ? manifest_.find(input.name) : std::nullopt;
      Entry& entry = all[input.name];
      if (before && has_result(input, *before)) entry = *before;
      else entry.name = input.name, entry.source = input.source, entry.state = State::kPartial, entry.reason = "not begun";
    }
    std::vector<Entry> list;
    for (const auto& [name, entry] : all) list.push_back(entry);
    return list;
  }

 private:
  void take_inputs() {
    // A fault here is none of an input's: the manifest cannot be written. The others stop too.
    try {
      while (!stop_ && !broken_) {
        const std::size_t i = next_++;
        if (i >= inputs_.size()) return;
        one(inputs_[i]);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!fault_) fault_ = std::current_exception();
      broken_ = true;
    }
  }

  void one(const Input& input) {
    const auto before = options_.resume ? manifest_.find(input.name) : std::nullopt;
    if (before && is_done(input, *before)) {
      manifest_.add(*before);  // again: it is of this run too
      keep(*before);
      progress_.note(input.name, "skipped", input.name + ": done before");
      return;
    }
    Progress::Job* job = progress_.begin(input.name);
    const Outcome outcome = annotate_input(input, options_, settings_, before ? before->fingerprint : Fingerprint{}, job->meter, stop_);
    manifest_.add(outcome.entry);
    keep(outcome.entry);
    const bool failed = outcome.entry.state == State::kFailed;
    progress_.end(job, failed ? "failed" : outcome.entry.state == State::kDone ? "done" : "partial", outcome.line);
    if (failed && options_.quiet) std::fprintf(stderr, "fmpn-annotate: %s\n", outcome.line.c_str());
  }

  bool has_result(const Input& input, const Entry& before) const {
    return before.state == State::kDone && before.settings == settings_ &&
           ResultFolder::is_result((fs::path(options_.output) / input.name).string());
  }

  bool is_done(const Input& input, const Entry& before) {
    if (!has_result(input, before)) return false;
    try {
      return fingerprint_of(input.path, before.fingerprint, stop_) == before.fingerprint;
    } catch (const Error&) {
      return false;  // the attempt will say what is wrong with it
    }
  }

  void keep(const Entry& entry) {
    const std::lock_guard lock(mutex_);
    entries_[entry.name] = entry;
  }

  const Options& options_;
  const std::vector<Input> inputs_;
  const std::string settings_;
  Manifest& manifest_;
  const std::atomic<bool>& stop_;
  Progress progress_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> broken_{false};
  std::mutex mutex_;  ///< guards the two below
  std::map<std::string, Entry> entries_;
  std::exception_ptr fault_;
};

/// What a person, or a script, is told at the end.
int conclude(const Options& options, const std::vector<Entry>& entries, std::size_t inputs, bool interrupted) {
  std::size_t done = 0;
  std::vector<const Entry*> failed;
  for (const Entry& entry : entries) {
    if (entry.state == State::kDone) ++done;
    if (entry.state == State::kFailed) failed.push_back(&entry);
  }
  if (!options.quiet) {
    std::fprintf(stderr, "%zu of %zu inputs are done, in %s\n", done, inputs, options.output.c_str());
    if (!failed.empty()) std::fprintf(stderr, "%zu failed:\n", failed.size());
    for (const Entry* entry : failed) std::fprintf(stderr, "  %s: %s\n", entry->source.c_str(), entry->reason.c_str());
    if (interrupted) std::fprintf(stderr, "interrupted; --resume goes on from here\n");
  }
  return interrupted ? 130 : failed.empty() ? 0 : 1;
}

}  // namespace

int annotate(const Options& given, const std::atomic<bool>& stop) {
  Options options = given;
  if (options.report && !report_is_built()) {
    std::fprintf(stderr, "fmpn-annotate: no report.html: this build is without it (npm was not there)\n");
    options.report = false;
  }
  const Shard shard = options.shard ? *options.shard : shard_of_environment();
  if (options.model.empty()) options.model = default_model();
  const std::string landmark_model = landmark_model_of(options);
  std::vector<Input> inputs = collect_inputs(options.inputs, options.output, std::cin);
  inputs.erase(std::remove_if(inputs.begin(), inputs.end(), [&](const Input& input) { return !belongs(input.name, shard); }), inputs.end());
  const std::size_t count = inputs.size();
  options.threads = threads_of_each(std::min(static_cast<std::size_t>(options.jobs), count));
  // Both held to the end: every pipeline shares the networks and the landmark model, and none has to load them again.
  AlignerOptions aligner_options;
  aligner_options.landmark_model = landmark_model;
  const Aligner aligner(aligner_options);
  auto landmarks_sha256 = std::async(std::launch::async, sha256_of_file, landmark_model, std::cref(stop));  // 100 MB, beside the loading
  const auto engine = Engine::load(options.model, {options.device, precision_named(options.precision), options.threads});
  if (stop) return 130;  // loading takes long enough to be interrupted
  make_folder(options.output);
  Manifest manifest(options.output, shard, options.resume);
  std::vector<Entry> entries;
  {
    const std::string settings = settings_hash(options, sha256_of_file(options.model, stop), landmarks_sha256.get());
    Run run(options, std::move(inputs), settings, manifest, stop);
    run.work();
    entries = run.entries();
  }
  if (!stop) manifest.complete(count);
  if (shard.whole()) write_overall(options.output, entries, options.report);
  return conclude(options, entries, count, stop);
}

int merge(const Options& options) {
  const std::vector<Entry> entries = merge_shards(options.output);
  write_overall(options.output, entries, options.report && report_is_built());
  return conclude(options, entries, entries.size(), false);
}

}  // namespace fmpn::annotate
