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

/// A run folder may be moved, and whatever a recipe says stands in the configuration by itself. Data and masks may lie elsewhere, since the
/// checkpoint knows what was in them (data_fingerprint.h), and how much of them is kept in memory changes nothing.
bool may_differ(const std::string& name) {
  static const std::set<std::string> names{"output", "recipe", "data", "masks", "cache-mb"};
  return names.count(name) != 0;
}

/// One GPU is as good as another.
Values compared(const std::string& name, Values values) {
  if (name == "device" && !values.empty()) values[0].erase(std::min(values[0].find(':'), values[0].size()));
  return values;
}

std::string name_of(const std::string& full_name) { return full_name.substr(full_name.rfind('.') + 1); }

}  // namespace

std::string option_in(const std::string& configuration, const std::string& name) {
  const Values values = values_in(configuration, name);
  return values.empty() ? "" : values.front();
}

std::vector<std::string> values_in(const std::string& configuration, const std::string& name) {
  for (const auto& [full_name, values] : options_in(configuration))
    if (name_of(full_name) == name) return values;
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
    if (may_differ(name)) continue;
    const auto before = old.find(full_name);
    if (before == old.end() && not_given.count(name) != 0) continue;
    if (before != old.end() && compared(name, before->second) == compared(name, values)) continue;
    add(full_name, " = " + text_of(values) + " (the run: " + (before == old.end() ? "not set" : text_of(before->second)) + ")");
  }
  for (const auto& [full_name, values] : old)
    if (now.count(full_name) == 0 && !may_differ(name_of(full_name)))
      add(full_name, " is not set (the run: " + text_of(values) + ")");
  return difference;
}

}  // namespace fmpn::train
