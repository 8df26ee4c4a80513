#pragma once

#include <set>
#include <string>
#include <vector>

namespace fmpn::train {

// Configurations of runs, as TOML texts: read by what reads them for a command too (config_file.h). Both throw kBadFormat for a text that
// is none.

/// The value of an option; of a list the first; empty: not set.
std::string option_in(const std::string& configuration, const std::string& name);
/// The values of a list, or the one value.
std::vector<std::string> values_in(const std::string& configuration, const std::string& name);

/// The options that differ between two configurations: "lr = 0.1 (the run: 0.01)", comma-separated. Empty: none. Those of
/// `not_given` may be missing in `kept`. Where things lie makes none: `output`, `recipe`, `data`, `masks`; nor does `cache-mb`, nor which
/// of several GPUs.
std::string configuration_difference(const std::string& given, const std::string& kept, const std::set<std::string>& not_given = {});

}  // namespace fmpn::train
