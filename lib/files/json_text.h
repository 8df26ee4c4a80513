#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace fmpn {

/// On one line, or with `indent` spaces a level. Bytes that are not UTF-8, which a file's name may have, become U+FFFD.
inline std::string json_text(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// The text itself in UTF-8, in the same way.
inline std::string utf8_text(const std::string& text) { return nlohmann::json::parse(json_text(text)).get<std::string>(); }

}  // namespace fmpn
