#include <fmpn/labels.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace fmpn {

std::optional<std::string> canonical_expression(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> aliases{
      {"angry", "anger"},         {"disgusted", "disgust"}, {"fearful", "fear"}, {"afraid", "fear"},
      {"happy", "happiness"},     {"joy", "happiness"},     {"sad", "sadness"},  {"surprised", "surprise"},
      {"contemptuous", "contempt"}};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(kExpressions.begin(), kExpressions.end(), lower) != kExpressions.end()) return lower;
  const auto alias = aliases.find(lower);
  if (alias != aliases.end()) return alias->second;
  return std::nullopt;
}

}  // namespace fmpn
