#include "recipe.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmpn/error.h>

#include "config_file.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace {

std::string text_of(const std::string& recipe) {
  const auto found = built_in_recipes().find(recipe);
  if (found != built_in_recipes().end()) return found->second;
  std::ifstream file(recipe);
  if (std::filesystem::is_regular_file(recipe) && file) return {std::istreambuf_iterator<char>(file), {}};
  std::string names;
  for (const auto& item : built_in_recipes()) names += (names.empty() ? "" : ", ") + item.first;
  throw Error(ErrorCode::kNotFound, "recipe '" + recipe + "': no such file, nor one of those built in (" + names + ")");
}

/// Sets an option that was not given, so that it is written into the run's configuration as well.
void give(CLI::Option& option, int value) {
  if (option.count() > 0) return;
  option.add_result(std::to_string(value));
  option.run_callback();
}

/// `of_a_run`: a run's configuration, which names its recipe and its data.
void apply(CLI::App& command, const std::string& name, const std::string& toml, bool of_a_run) {
  const auto bad = [&](const std::string& what) { throw Error(ErrorCode::kBadFormat, name + ": " + what); };
  std::stringstream text(toml);
  std::vector<CLI::ConfigItem> items;
  try {
    items = read_toml(text);
  } catch (const CLI::Error& fault) {
    bad(fault.what());
  }
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // a section's begin and end
    if (item.name == "recipe" && !of_a_run) bad("'recipe' in a recipe, which builds on no other");
    try {
      check_item(command, item);
    } catch (const Error& fault) {
      bad(fault.what());
    }
    CLI::Option* option = command.get_option_no_throw("--" + item.name);
    if (option == nullptr && of_a_run) continue;  // the data, which the user gives
    if (option == nullptr) bad("there is no option '" + item.name + "'");  // a positional: the data is the user's
    if (option->count() > 0) continue;
    try {
      for (const std::string& value : item.inputs) option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& fault) {
      bad(item.name + ": " + fault.what());
    }
  }
}

}  // namespace

void set_paper_sizes(CLI::App& command, const std::string& cn) {
  CLI::Option& side = *command.get_option("--input-size");
  give(side, cn == "inception_v3" ? 299 : 224);
  give(*command.get_option("--crop-size"), static_cast<int>(std::lround(side.as<int>() * 320.0 / 299.0)));
}

void apply_recipe(CLI::App& command, const std::string& recipe) {
  const auto options = command.get_options([](const CLI::Option* option) { return option->get_configurable() && option->count() == 0; });
  if (!options.empty()) apply(command, "recipe '" + recipe + "'", text_of(recipe), /*of_a_run=*/false);
}

void apply_configuration(CLI::App& command, const std::string& path) {
  apply(command, path, read_whole(path), /*of_a_run=*/true);
}

}  // namespace fmpn::train
