#pragma once

#include <map>
#include <string>

#include <fmpn/model_info.h>

namespace fmpn {

/// ModelInfo ↔ the `__metadata__` of a model file (every value a string; lists as JSON). `name` is the file, for errors.
ModelInfo info_from_metadata(const std::string& name, const std::map<std::string, std::string>& metadata);
std::map<std::string, std::string> metadata_from_info(const ModelInfo& info);

}  // namespace fmpn
