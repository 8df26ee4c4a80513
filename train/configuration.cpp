#include "configuration.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include <fmpn/error.h>

#include "config_file.h"
#include "files/json_text.h"

namespace fmpn::train {
namespace {

using Values = std::vector<std::string>;

/// By name. What belongs to another section has it before its name.
std::map<std::string, Values> options_in(const std::string& configuration) {
  std::stringstream text(configuration);
  std::map<std::string, Values> options;
  try {
    for (const CLI::ConfigItem& item : read_toml(text))
      if (item.name != "++" && item.name != "--") options[item.fullname()] = item.inputs;  // those are a section's begin and end
  } catch (const CLI::Error& fault) {
    throw Error(ErrorCode::kBadFormat, std::string("not a configuration: ") + fault.what());
  }
  return options;
}

/// As TOML has them.
std::string text_of(const Values& values) {
  std::string text;
  for (const std::string& value : values) {
    const bool plain = value == "true" || value == "false" ||
                       (!value.empty() && value.find_first_not_of("0123456789+-.e") == std::string::npos);
    text += (text.empty() ? "" : ", ") + (plain ? value : json_text(value));
  }
  return values.size() == 1 ? text : '[' + text + ']';
}

std::string name_of(const std::string& full_name) { return full_name.substr(full_name.rfind('.') + 1); }

}  // namespace

std::string option_in(const std::string& configuration, const std::string& name) {
  for (const auto& [full_name, values] : options_in(configuration))
    if (name_of(full_name) == name && !values.empty()) return values.front();
  return {};
}

std::string configuration_difference(const std::string& given, const std::string& kept, const std::set<std::string>& not_given) {
  if (given == kept) return {};
  const auto now = options_in(given), old = options_in(kept);
  std::string difference;
  const auto add = [&](const std::string& full_name, const std::string& text) {
    difference += (difference.empty() ? "" : ", ") + name_of(full_name) + text;
  };
  for (const auto& [full_name, values] : now) {
    const std::string name = name_of(full_name);
    // A folder may be moved, and whatever a recipe says stands here by itself.
    if (name == "output" || name == "recipe") continue;
    const auto before = old.find(full_name);
    if (before == old.end() && not_given.count(name) != 0) continue;
    if (before == old.end()) add(name, " = " + text_of(values) + " (the run: not set)");
    else if (before->second != values) add(name, " = " + text_of(values) + " (the run: " + text_of(before->second) + ")");
  }
  for (const auto& [full_name, values] : old)
    if (now.count(full_name) == 0 && name_of(full_name) != "recipe")
      add(full_name, " is not set (the run: " + text_of(values) + ")");
  return difference;
}

}  // namespace fmpn::train
