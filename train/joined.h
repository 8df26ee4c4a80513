#pragma once

#include <string>

namespace fmpn::train {

/// Names for a sentence: "anger, fear, happiness".
template <typename Names>
std::string joined(const Names& names, const char* between = ", ") {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

}  // namespace fmpn::train
