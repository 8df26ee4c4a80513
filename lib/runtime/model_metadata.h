#pragma once

#include <map>
#include <string>

#include <fmpn/model_info.h>

namespace fmpn {

/// ModelInfo ↔ the `__metadata__` of a model file (every value a string; lists as JSON). `name` is the file, for errors.
/// Throws kBadFormat, naming the key.
ModelInfo info_from_metadata(const std::string& name, const std::map<std::string, std::string>& metadata);
/// Throws kBadSetting for what could not be read again.
std::map<std::string, std::string> metadata_from_info(const ModelInfo& info);

}  // namespace fmpn
