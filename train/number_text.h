#pragma once

#include <string>

namespace fmpn::train {

std::string percent_text(double share, int digits = 2);  ///< 0.7008 as "70.08"
std::string decimal_text(double value);                  ///< two digits after the point

}  // namespace fmpn::train
