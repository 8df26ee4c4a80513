#pragma once

#include <istream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace fmpn::train {

/// A line of TOML without its comment. A '#' in quotes begins none.
std::string without_comment(const std::string& line);

/// The options in a TOML text, as CLI11 reads them, but a '#' in quotes is part of the value, and an option that stands at two places is an
/// error. Throws CLI::Error.
std::vector<CLI::ConfigItem> read_toml(std::istream& text);

/// Throws kBadFormat, naming it, for an item that is no option of `command` which a file may set, or is in no section of its name.
void check_item(const CLI::App& command, const CLI::ConfigItem& item);

/// Gives `app`, before it has subcommands, the option --config: a TOML file with a section a subcommand. What is in it and no subcommand
/// has is an error, not passed over: days of training may hang on it.
void add_config_option(CLI::App& app);

}  // namespace fmpn::train
