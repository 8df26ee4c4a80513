#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace fmpn::train {

/// The recipes that are built in, name → TOML: those of train/recipes/.
const std::map<std::string, std::string>& built_in_recipes();

/// Gives every option of `command` that was not set (on the command line or by --config) the value that the recipe has for
/// it. `recipe` is a built-in one's name, or a TOML file with a section of the command's name. Throws kNotFound for a recipe
/// that is not known (where there is an option left to set), kBadFormat for one that names no option of the command or a value that it
/// does not take.
void apply_recipe(CLI::App& command, const std::string& recipe);

/// The same of a run's own configuration, which may name the recipe that its values came from.
void apply_configuration(CLI::App& command, const std::string& path);

/// The paper's recipe has the sides of Inception V3: 299 px from crops of 320. Gives `command` those of the net `cn` where the user
/// gave none: 224 px for every other net, crops larger by the same 320/299. To be called before apply_recipe().
void set_paper_sizes(CLI::App& command, const std::string& cn);

}  // namespace fmpn::train
