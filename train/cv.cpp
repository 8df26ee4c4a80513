// fmpn-train cv: a run of `fit` for each fold, each in a process of its own, then one table.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include <fmpn/error.h>

#include "child.h"
#include "commands.h"
#include "config_file.h"
#include "cross_validation.h"
#include "files/json_text.h"
#include "files/whole_file.h"
#include "folder_lock.h"
#include "interrupt.h"
#include "manifest.h"
#include "run_folder.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFoldPlace = "{fold}";  // in fit's options: the fold's number

struct Options {
  std::string data, run, config, program;
  int folds = 0, jobs = 1;
  bool resume = false;
  std::vector<std::string> fit;  ///< options of each fold's fit
};

std::string fold_folder(const Options& o, int k) { return (fs::path(o.run) / ("fold-" + std::to_string(k))).string(); }
std::string fold_log(const Options& o, int k) { return fold_folder(o, k) + ".log"; }
/// Files of the run that say what every fold does, whatever becomes of those that the user gave with --config and --recipe.
std::string kept_config(const Options& o) { return (fs::path(o.run) / "recipe.toml").string(); }
std::string kept_recipe(const Options& o) { return (fs::path(o.run) / "fit-recipe.toml").string(); }

/// fit's --recipe where it is a file, not a built-in one. Given several times, the last one counts, as in fit.
struct RecipeFile {
  std::size_t word = 0;  ///< of the options of fit
  std::string before, path;
};
std::optional<RecipeFile> recipe_file(const std::vector<std::string>& fit) {
  const std::string name = "--recipe";
  RecipeFile last;
  for (std::size_t i = 0; i < fit.size(); ++i) {
    if (fit[i] == name && i + 1 < fit.size()) last = {i + 1, "", fit[i + 1]};
    else if (fit[i].rfind(name + '=', 0) == 0) last = {i, name + '=', fit[i].substr(name.size() + 1)};
  }
  return fs::is_regular_file(last.path) ? std::optional(last) : std::nullopt;
}

/// The folds that the manifest has; --folds has to agree.
int checked_folds(const Options& o) {
  const int there = fold_count(read_manifest(o.data));
  if (there == 0) throw Error(ErrorCode::kBadFormat, o.data + "/manifest.csv: it has no folds (fmpn-train prepare … --folds N makes them)");
  if (there < 2) throw Error(ErrorCode::kBadFormat, o.data + "/manifest.csv: one fold leaves nothing to train on");
  if (o.folds != 0 && o.folds != there)
    throw Error(ErrorCode::kBadSetting, o.data + "/manifest.csv: it has " + std::to_string(there) + " folds, not " +
                                            std::to_string(o.folds) + " (fmpn-train prepare … --folds N)");
  return there;
}

/// A JSON list of strings is a TOML array as well.
std::string configuration_of(const Options& o) {
  return "[cv]\ndata = " + json_text(o.data) + "\nfit = " + json_text(o.fit) + '\n';
}

/// A result is the last thing that a fold's run writes; older versions wrote it before the model.
bool is_done(const Options& o, int k) {
  const fs::path folder = fold_folder(o, k);
  return fs::exists(folder / "result.json") && fs::exists(folder / "last.safetensors");
}

/// As for a single run: the folder belongs to one configuration.
void compare_with_run(const Options& o, int folds) {
  const fs::path file = fs::path(o.run) / "cv.toml";
  if (fs::exists(file) != o.resume)
    throw Error(
        o.resume ? ErrorCode::kNotFound : ErrorCode::kBadSetting,
        o.run + (o.resume ? ": holds no cross-validation to resume" : ": holds a cross-validation already; --resume goes on with it"));
  for (int k = 0; k < folds && !o.resume; ++k)
    if (is_done(o, k))
      throw Error(ErrorCode::kBadSetting, fold_folder(o, k) + ": holds a run that is not of this cross-validation; take another folder");
  if (!o.resume) return;
  std::string difference = configuration_difference(configuration_of(o), read_if_there(file.string()));
  if (difference.empty())
    difference = configuration_difference(o.config.empty() ? "" : read_whole(o.config), read_if_there(kept_config(o)));
  if (const auto recipe = recipe_file(o.fit); recipe && difference.empty() && fs::exists(kept_recipe(o)))
    difference = configuration_difference(read_whole(recipe->path), read_if_there(kept_recipe(o)));
  if (!difference.empty())
    throw Error(ErrorCode::kBadSetting, file.string() + ": the cross-validation was started with another configuration: " + difference);
}

/// `given` may be the copy itself.
void keep(const std::string& given, const std::string& copy) {
  write_whole(copy, read_whole(given));
}
void forget(const std::string& given, const std::string& copy) {
  if (!fs::equivalent(given, copy)) fs::remove(copy);
}

/// The files are kept and read as they are; the fold's number is put into the command line.
void refuse_fold_place(const std::string& given, const std::string&) {
  std::stringstream text(read_whole(given));
  for (std::string line; std::getline(text, line);)
    if (without_comment(line).find(kFoldPlace) != std::string::npos)
      throw Error(ErrorCode::kBadSetting, given + ": " + kFoldPlace + " stands for the fold's number on the command line, not in a file");
}

void for_each_given_file(const Options& o, void (*f)(const std::string& given, const std::string& copy)) {
  if (!o.config.empty()) f(o.config, kept_config(o));
  if (const auto recipe = recipe_file(o.fit)) f(recipe->path, kept_recipe(o));
}

/// fit for fold k, from the configuration that is kept.
std::vector<std::string> fold_command(const Options& o, int k) {
  std::vector<std::string> command{o.program, "fit", o.data, "-o", fold_folder(o, k), "--fold", std::to_string(k)};
  if (!o.config.empty()) command.insert(command.end(), {"--config", kept_config(o)});
  const auto recipe = recipe_file(o.fit);
  for (std::size_t i = 0; i < o.fit.size(); ++i) {
    // A run of an older version kept no copy.
    std::string word = recipe && recipe->word == i && fs::exists(kept_recipe(o)) ? recipe->before + kept_recipe(o) : o.fit[i];
    for (std::size_t at = word.find(kFoldPlace); at != std::string::npos; at = word.find(kFoldPlace, at))
      word.replace(at, std::strlen(kFoldPlace), std::to_string(k));
    command.push_back(std::move(word));
  }
  // A fold that was stopped before its first whole epoch begins anew.
  if (!RunFolder(fold_folder(o, k)).has_checkpoint()) return command;
  command.emplace_back("--resume");
  // Older versions gave each fold its share of the cores as an option; one under way goes on with that.
  const std::string threads = option_in(read_if_there(RunFolder(fold_folder(o, k)).file("config.toml")), "threads");
  const auto is_threads = [](const std::string& word) { return word.rfind("--threads", 0) == 0; };
  if (!threads.empty() && threads != "0" && std::none_of(o.fit.begin(), o.fit.end(), is_threads))
    command.insert(command.end(), {"--threads", threads});
  return command;
}

/// What a fold that failed said last: its fault, or else two lines, since a wrong option is told in the one before a hint.
std::string last_words(const std::string& log) {
  std::string text = read_if_there(log);
  if (const std::size_t fault = text.rfind("fmpn-train: "); fault != std::string::npos) text.erase(0, fault);
  text.erase(text.find_last_not_of("\r\n") + 1);
  const std::size_t last = text.find_last_of("\r\n");
  const std::size_t before = last == std::string::npos || last == 0 ? std::string::npos : text.find_last_of("\r\n", last - 1);
  text = text.substr(before + 1);  // npos + 1 is 0
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Runs the open folds, at most `jobs` at a time. Throws where a fold fails (after those under way) or a signal came.
class FoldRunner {
 public:
  FoldRunner(const Options& options, std::vector<int> open) : options_(options), open_(std::move(open)), total_(open_.size()) {}
  /// After a fault of this program: no fold is left running by itself.
  ~FoldRunner() {
    stop();
    for (const auto& item : running_) wait_for_end(item.first);
  }
  FoldRunner(const FoldRunner&) = delete;
  FoldRunner& operator=(const FoldRunner&) = delete;

  void run() {
    while (!running_.empty() || (next_ < total_ && fault_.empty() && !g_stop_requested)) {
      while (running_.size() < static_cast<std::size_t>(options_.jobs) && next_ < total_ && fault_.empty() && !g_stop_requested)
        start(open_[next_++]);
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

 private:
  using Clock = std::chrono::steady_clock;

  void start(int k) {
    std::fprintf(stderr, "fold %d: begins (%s)\n", k, fold_log(options_, k).c_str());
    running_[start_child(fold_command(options_, k), fold_log(options_, k))] = k;
  }

  void stop() {
    for (const auto& item : running_) kill(item.first, SIGTERM);
  }

  void finished(pid_t child, int status) {
    const int k = running_.at(child);
    running_.erase(child);
    if (status != 0) {
      if (!g_stop_requested)
        fault_ += (fault_.empty() ? "" : "; ") + ("fold " + std::to_string(k) + " failed with status " + std::to_string(status) + ": " +
                                                  last_words(fold_log(options_, k)));
      return;
    }
    ++done_;
    const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
    const RunResult result = read_result((fs::path(fold_folder(options_, k)) / "result.json").string());
    std::fprintf(stderr, "fold %d: %s %% of %ld pictures; %zu of %zu done, about %.0f min left\n", k,
                 percent_text(result.confusion.accuracy()).c_str(), result.confusion.total(), done_, total_,
                 spent / static_cast<double>(done_) * static_cast<double>(total_ - done_) / 60);
  }

  const Options& options_;
  std::vector<int> open_;
  std::size_t total_, next_ = 0, done_ = 0;
  std::map<pid_t, int> running_;
  bool told_ = false;
  std::string fault_;
  Clock::time_point start_ = Clock::now();
};

/// What `fit --check` printed last are the options, whoever gave them. Not every CLI11 puts a string that looks like a number in quotes.
bool trains_fmg_alone(const std::string& checked) {
  const std::size_t options = checked.rfind("[fit]\n");
  const std::string phase = options == std::string::npos ? "" : option_in(checked.substr(options), "phase");
  return phase.find('1') != std::string::npos;
}

/// What is wrong with a fold is told before the first one is trained, not hours later: masks or starting weights that are not there, a
/// class that is not left to train on.
void check_folds(const Options& o, const std::vector<int>& folds) {
  const std::string log = (fs::path(o.run) / "check.log").string();
  for (const int k : folds) {
    fs::remove(log);
    auto command = fold_command(o, k);
    command.emplace_back("--check");
    const pid_t child = start_child(command, log);
    int status = 0;
    while (wait_for_child({child}, 200, &status) == 0)
      if (g_stop_requested) kill(child, SIGTERM);
    if (g_stop_requested) throw Error(ErrorCode::kRuntime, "stopped while the folds were checked");
    if (status != 0) throw Error(ErrorCode::kBadSetting, "fold " + std::to_string(k) + ": " + last_words(log));
    if (trains_fmg_alone(read_if_there(log)))
      throw Error(ErrorCode::kBadSetting, "--phase 1, or `phase` in a recipe or configuration: FMG alone names no expression, so there is no "
                                          "table (fit --fold K --phase 1 trains it for a fold)");
  }
  fs::remove(log);
}

/// An option of fit that a cross-validation can't have.
void refuse_option(const Options& o, const std::string& name, const std::string& why) {
  for (const std::string& word : o.fit)
    if (word == name || word.rfind(name + '=', 0) == 0) throw Error(ErrorCode::kBadSetting, name + ": " + why);
}

void cross_validate(const Options& o) {
  const int folds = checked_folds(o);
  refuse_option(o, "--fold", "each in its turn");
  refuse_option(o, "--check", "every fold is checked before the first is trained");
  compare_with_run(o, folds);
  for_each_given_file(o, refuse_fold_place);
  make_folder(o.run);
  const FolderLock lock(o.run);
  stop_on_signals();
  // Folds at a time share the cores, but where the user, or the recipe, says how many each takes.
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (o.jobs > 1) setenv("OMP_NUM_THREADS", std::to_string(std::max(1, cores / o.jobs)).c_str(), /*overwrite=*/0);
  std::vector<int> open, to_check;
  for (int k = 0; k < folds; ++k) {
    if (!is_done(o, k)) open.push_back(k);
    // A fold that is done says what data it was made of: all folds must be of the same.
    if (!is_done(o, k) || RunFolder(fold_folder(o, k)).has_checkpoint()) to_check.push_back(k);
  }
  if (static_cast<int>(open.size()) < folds)
    std::fprintf(stderr, "%zu of %d folds are done already\n", static_cast<std::size_t>(folds) - open.size(), folds);
  if (!o.resume) for_each_given_file(o, keep);
  try {
    check_folds(o, to_check);
  } catch (...) {
    if (!o.resume) for_each_given_file(o, forget);
    throw;
  }
  if (!o.resume) write_whole((fs::path(o.run) / "cv.toml").string(), configuration_of(o));  // the run begins
  FoldRunner(o, open).run();
  std::fputs(write_cross_validation(o.run, read_folds(o.run, folds)).c_str(), stdout);
  std::printf("\ntable.txt, table.json, the pictures and report.html are in %s\n", o.run.c_str());
}

}  // namespace

void add_cv(CLI::App& app) {
  auto* c =
      app.add_subcommand("cv", "Cross-validation: fit for each fold, then the table. DATA comes first; every option of fit may follow, "
                               "{fold} in it stands for the fold's number");
  auto o = std::make_shared<Options>();
  c->fallthrough(false);
  c->allow_extras();
  c->add_option("data", o->data, "Prepared data set with folds")->required();
  c->add_option("-o,--output", o->run, "Folder for the folds' runs and the table")->required();
  c->add_option("--folds", o->folds, "Has to be the manifest's number")->check(CLI::Range(2, 1000));
  c->add_option("--jobs", o->jobs, "Folds at a time; they share the cores")->check(CLI::Range(1, 64))->capture_default_str();
  c->add_option("--config", o->config, "TOML file of fit's options")->check(CLI::ExistingFile);
  c->add_flag("--resume", o->resume, "Go on: folds that are done are kept, one under way continues");
  c->callback([o, c] {
    o->program = own_program();
    o->fit = c->remaining();
    const CLI::Option* config = c->get_parent()->get_config_ptr();  // given before the subcommand
    if (o->config.empty() && config != nullptr && config->count() != 0) o->config = config->as<std::string>();
    cross_validate(*o);
  });
}

}  // namespace fmpn::train
