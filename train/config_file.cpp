#include "config_file.h"

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

constexpr char kNoComment = '\x01';  // what CLI11 is told begins a comment, when there are none left

std::string trimmed(std::string text) {
  constexpr const char* kBlanks = " \t\r";
  text.erase(0, std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.erase(text.find_last_not_of(kBlanks) + 1);
}

/// A line of TOML, and the lines after it of a list that it begins, as one without comments: CLI11 does not know a list whose first line has
/// the bracket alone, nor a comma after its last value.
std::string statement(const std::string& line, std::istream& rest) {
  std::string all = trimmed(without_comment(line));
  const std::size_t equals = all.find('=');
  if (equals == std::string::npos || trimmed(all.substr(equals + 1)).rfind('[', 0) != 0) return all;
  for (std::string next; all.back() != ']' && std::getline(rest, next);) all += trimmed(without_comment(next));
  if (all.back() != ']') return all;
  std::string values = trimmed(all.substr(0, all.size() - 1));
  if (values.back() == ',') values.pop_back();
  return values + ']';
}

class Toml : public CLI::ConfigTOML {
 public:
  Toml() { comment(kNoComment); }
  std::vector<CLI::ConfigItem> from_config(std::istream& text) const override {
    std::stringstream plain;
    for (std::string line; std::getline(text, line);) plain << statement(line, text) << '\n';
    auto items = CLI::ConfigTOML::from_config(plain);
    // Of two lines apart CLI11 would take the first; lines of a list stand together.
    std::set<std::string> names;
    for (const CLI::ConfigItem& item : items)
      if (item.name != "++" && item.name != "--" && !names.insert(item.fullname()).second)
        throw CLI::ConfigError("'" + item.fullname() + "' stands there twice", CLI::ExitCodes::ConfigError);
    return items;
  }
};

const CLI::App& subcommand_of(const CLI::App& app, const CLI::ConfigItem& item) {
  std::string names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!item.parents.empty() && item.parents.front() == command->get_name()) return *command;
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  throw Error(ErrorCode::kBadFormat, "'" + item.fullname() + "' is in no section of a subcommand (" + names + ")");
}

class CheckedToml : public Toml {
 public:
  explicit CheckedToml(const CLI::App& app) : app_(app) {}
  std::vector<CLI::ConfigItem> from_config(std::istream& text) const override {
    auto items = Toml::from_config(text);
    try {
      for (const CLI::ConfigItem& item : items)
        if (item.name != "++" && item.name != "--") check_item(subcommand_of(app_, item), item);
    } catch (const Error& fault) {
      throw Error(fault.code(), "--config: " + std::string(fault.what()));
    }
    return items;
  }

 private:
  const CLI::App& app_;
};

}  // namespace

std::string without_comment(const std::string& line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '"' && c == '\\') ++i;
    else if (quote != '\0') quote = c == quote ? '\0' : quote;
    else if (c == '"' || c == '\'') quote = c;
    else if (c == '#') return line.substr(0, i);
  }
  return line;
}

std::vector<CLI::ConfigItem> read_toml(std::istream& text) { return Toml().from_config(text); }

void check_item(const CLI::App& command, const CLI::ConfigItem& item) {
  if (item.parents != std::vector<std::string>{command.get_name()})
    throw Error(ErrorCode::kBadFormat, "'" + item.fullname() + "' is not in the section [" + command.get_name() + "]");
  const CLI::Option* option = command.get_option_no_throw("--" + item.name);
  if (option == nullptr && item.name.size() == 1) option = command.get_option_no_throw("-" + item.name);
  if (option == nullptr) option = command.get_option_no_throw(item.name);  // a positional
  if (option == nullptr || !option->get_configurable())
    throw Error(ErrorCode::kBadFormat, "there is no option '" + item.name + "'");
}

void add_config_option(CLI::App& app) {
  app.config_formatter(std::make_shared<CheckedToml>(app));
  app.set_config("--config", "", "TOML file of options, a section a subcommand (train/recipes/*.toml)");
}

}  // namespace fmpn::train
