#include "cv_configuration.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include <fmpn/error.h>

#include "config_file.h"
#include "configuration.h"
#include "files/json_text.h"
#include "files/usable_processors.h"
#include "files/whole_file.h"
#include "recipe.h"
#include "run_folder.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFoldPlace = "{fold}";  // in fit's options: the fold's number

std::string file_in(const CvOptions& o, const char* name) { return (fs::path(o.run) / name).string(); }
std::string kept_config(const CvOptions& o) { return file_in(o, "recipe.toml"); }
std::string kept_recipe(const CvOptions& o) { return file_in(o, "fit-recipe.toml"); }

/// fit's --recipe where it is a file, not a built-in one. Given several times, the last one counts, as in fit; the one in the --config file
/// where none is. Where the file is gone, a run that goes on has its copy.
struct RecipeFile {
  std::size_t word = 0;  ///< of the options of fit, or their number: the configuration's
  std::string before, path;
};
std::optional<RecipeFile> recipe_file(const CvOptions& o) {
  const std::string name = "--recipe";
  const auto& fit = o.fit;
  RecipeFile last;
  for (std::size_t i = 0; i < fit.size(); ++i) {
    if (fit[i] == name && i + 1 < fit.size()) last = {i + 1, "", fit[i + 1]};
    else if (fit[i].rfind(name + '=', 0) == 0) last = {i, name + '=', fit[i].substr(name.size() + 1)};
  }
  if (last.path.empty() && !o.config.empty()) last = {fit.size(), "", option_in(read_whole(o.config), "recipe")};
  if (fs::is_regular_file(last.path)) return last;
  const bool gone = !last.path.empty() && built_in_recipes().count(last.path) == 0;
  last.path = kept_recipe(o);
  return gone && o.resume && fs::exists(last.path) ? std::optional(last) : std::nullopt;
}

/// A JSON list of strings is a TOML array as well.
std::string configuration_of(const CvOptions& o) {
  return "[cv]\ndata = " + json_text(o.data) + "\njobs = " + std::to_string(o.jobs) + "\nthreads = " + std::to_string(o.threads) +
         "\nfit = " + json_text(o.fit) + '\n';
}

/// The same for the comparison with the run's own, without what may differ: see configuration_difference().
std::string compared(const std::string& configuration) {
  std::vector<std::string> words;
  const auto given = values_in(configuration, "fit");
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string name = given[i].substr(0, given[i].find('='));
    const bool has_value = name.size() < given[i].size();
    if (name == "--masks" || name == "--cache-mb") {
      if (!has_value) ++i;
    } else if (name == "--device" && i + (has_value ? 0 : 1) < given.size()) {
      const std::string device = has_value ? given[i].substr(name.size() + 1) : given[++i];
      words.insert(words.end(), {name, device.substr(0, device.find(':'))});
    } else {
      words.push_back(given[i]);
    }
  }
  return "[cv]\nfit = " + json_text(words) + '\n';
}

/// The files are kept and read as they are; the fold's number is put into the command line.
void refuse_fold_place(const std::string& given) {
  std::stringstream text(read_whole(given));
  for (std::string line; std::getline(text, line);)
    if (without_comment(line).find(kFoldPlace) != std::string::npos)
      throw Error(ErrorCode::kBadSetting, given + ": " + kFoldPlace + " stands for the fold's number on the command line, not in a file");
}

/// An option of fit that a cross-validation can't have.
void refuse_option(const CvOptions& o, const std::string& name, const std::string& why) {
  for (const std::string& word : o.fit)
    if (word == name || word.rfind(name + '=', 0) == 0) throw Error(ErrorCode::kBadSetting, name + ": " + why);
}

/// What differs from the run's own configuration, see configuration_difference().
std::string difference_from_run(const CvOptions& o) {
  std::string difference = configuration_difference(compared(configuration_of(o)), compared(read_if_there(file_in(o, "cv.toml"))));
  if (difference.empty())
    difference = configuration_difference(o.config.empty() ? "" : read_whole(o.config), read_if_there(kept_config(o)));
  if (const auto recipe = recipe_file(o); recipe && difference.empty() && fs::exists(kept_recipe(o)))
    difference = configuration_difference(read_whole(recipe->path), read_if_there(kept_recipe(o)));
  return difference;
}

}  // namespace

std::string fold_folder(const CvOptions& o, int k) { return file_in(o, ("fold-" + std::to_string(k)).c_str()); }
std::string fold_log(const CvOptions& o, int k) { return fold_folder(o, k) + ".log"; }

// A result is the last thing that a fold's run writes; older versions wrote it before the model.
bool is_done(const CvOptions& o, int k) {
  const fs::path folder = fold_folder(o, k);
  return fs::exists(folder / "result.json") && fs::exists(folder / "last.safetensors");
}

std::vector<GivenFile> given_files(const CvOptions& o) {
  std::vector<GivenFile> files;
  if (!o.config.empty()) files.push_back({o.config, kept_config(o)});
  if (const auto recipe = recipe_file(o)) files.push_back({recipe->path, kept_recipe(o)});
  return files;
}

void keep(const std::vector<GivenFile>& files) {
  for (const GivenFile& file : files) write_whole(file.kept, read_whole(file.path));  // may be the copy itself
}

void forget(const std::vector<GivenFile>& files) {
  for (const GivenFile& file : files)
    if (!fs::equivalent(file.path, file.kept)) fs::remove(file.kept);
}

void check_configuration(const CvOptions& o, int folds) {
  refuse_option(o, "--fold", "each in its turn");
  refuse_option(o, "--check", "every fold is checked before the first is trained");
  const std::string file = file_in(o, "cv.toml");
  if (fs::exists(file) != o.resume)
    throw Error(
        o.resume ? ErrorCode::kNotFound : ErrorCode::kBadSetting,
        o.run + (o.resume ? ": holds no cross-validation to resume" : ": holds a cross-validation already; --resume goes on with it"));
  for (int k = 0; k < folds && !o.resume; ++k)
    if (is_done(o, k))
      throw Error(ErrorCode::kBadSetting, fold_folder(o, k) + ": holds a run that is not of this cross-validation; take another folder");
  if (o.resume)
    if (const std::string difference = difference_from_run(o); !difference.empty())
      throw Error(ErrorCode::kBadSetting, file + ": the cross-validation was started with another configuration: " + difference);
  for (const GivenFile& given : given_files(o)) refuse_fold_place(given.path);
}

void write_configuration(const CvOptions& o) { write_whole(file_in(o, "cv.toml"), configuration_of(o)); }

void share_cores(CvOptions& o) {
  const auto number = [](const char* text) { return text == nullptr ? 0 : std::max(0, std::atoi(text)); };
  const std::string kept = o.resume ? read_if_there(file_in(o, "cv.toml")) : "";  // an older version's has neither
  if (o.jobs == 0) o.jobs = std::max(1, number(option_in(kept, "jobs").c_str()));
  const int wanted = number(std::getenv("OMP_NUM_THREADS")), before = number(option_in(kept, "threads").c_str());
  const int share = std::max(1, usable_processors() / o.jobs);
  o.threads = before > 0 ? before : wanted > 0 ? wanted : share;
  setenv("OMP_NUM_THREADS", std::to_string(o.threads).c_str(), /*overwrite=*/1);
}

std::vector<std::string> fold_command(const CvOptions& o, int k) {
  std::vector<std::string> command{o.program, "fit", o.data, "-o", fold_folder(o, k), "--fold", std::to_string(k)};
  if (!o.config.empty()) command.insert(command.end(), {"--config", kept_config(o)});
  const auto recipe = recipe_file(o);
  for (std::size_t i = 0; i < o.fit.size(); ++i) {
    // A run of an older version kept no copy.
    std::string word = recipe && recipe->word == i && fs::exists(kept_recipe(o)) ? recipe->before + kept_recipe(o) : o.fit[i];
    for (std::size_t at = word.find(kFoldPlace); at != std::string::npos; at = word.find(kFoldPlace, at))
      word.replace(at, std::strlen(kFoldPlace), std::to_string(k));
    command.push_back(std::move(word));
  }
  if (recipe && recipe->word == o.fit.size() && fs::exists(kept_recipe(o))) command.insert(command.end(), {"--recipe", kept_recipe(o)});
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

}  // namespace fmpn::train
