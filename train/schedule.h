#pragma once

#include <algorithm>
#include <cmath>

namespace fmpn::train {

/// Learning-rate factor of 1-based `epoch` in the published code: constant, then linear towards 0 over `decay` epochs.
inline double published_factor(int epoch, int constant, int decay) {
  return 1.0 - std::max(0, epoch + 1 - constant) / (decay + 1.0);
}

/// One cycle over the whole phase, `progress` in [0,1): linear rise for the first fifth, then half a cosine to 0.
inline double one_cycle_factor(double progress) {
  constexpr double kRise = 0.2;
  if (progress < kRise) return 0.04 + 0.96 * progress / kRise;
  return 0.5 * (1 + std::cos(M_PI * (progress - kRise) / (1 - kRise)));
}

}  // namespace fmpn::train
