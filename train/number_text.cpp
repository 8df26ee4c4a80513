#include "number_text.h"

#include <cstdio>

namespace fmpn::train {

std::string percent_text(double share, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, 100 * share);
  return text;
}

std::string decimal_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

}  // namespace fmpn::train
