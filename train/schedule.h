#pragma once

#include <algorithm>
#include <cmath>

#include "fit_options.h"

namespace fmpn::train {

/// Learning-rate factor of 1-based `epoch` in the published code: constant, then linear towards 0 over `decay` epochs. With fewer epochs
/// than `constant` (`decay` < 0) it stays 1.
inline double published_factor(int epoch, int constant, int decay) {
  return 1.0 - std::max(0, epoch + 1 - constant) / (std::max(0, decay) + 1.0);
}

/// One cycle over the whole phase, `progress` in [0,1): linear rise for the first fifth, then half a cosine to 0.
inline double one_cycle_factor(double progress) {
  constexpr double kRise = 0.2;
  if (progress < kRise) return 0.04 + 0.96 * progress / kRise;
  return 0.5 * (1 + std::cos(M_PI * (progress - kRise) / (1 - kRise)));
}

/// A short rise, constant up to `constant` epochs, then straight to 0 at the last: what comes before the fall does not
/// depend on how many epochs there will be.
inline double trapezoid_factor(double epochs_done, int constant, int epochs) {
  constexpr double kRise = 1;
  if (epochs_done < kRise) return 0.04 + 0.96 * epochs_done / kRise;
  if (epochs_done < constant) return 1;
  return (epochs - epochs_done) / std::max(1, epochs - constant);
}

/// Mixup ends before the learning rate gets small: the last steps are taken on true pictures.
inline bool mixes(const FitOptions& o, int phase, int epoch) {
  return phase == 2 && o.mixup > 0 && epoch <= (o.schedule == "trapezoid" ? o.phase2_constant : o.phase2_epochs * 4 / 5);
}

/// What has a learning rate of its own.
enum class Net { kCn, kPfn, kFmg };

/// Learning rate of `net` at 1-based `epoch` of a phase, of which the share `progress` is done.
inline double learning_rate(const FitOptions& o, int phase, Net net, int epoch, double progress) {
  const int epochs = phase == 1 ? o.phase1_epochs : o.phase2_epochs;
  const int constant = phase == 1 ? o.phase1_constant : o.phase2_constant;
  const double phase2 = net == Net::kFmg ? o.fmg_lr : net == Net::kPfn && o.pfn_lr > 0 ? o.pfn_lr : o.lr;
  const double base = phase == 1 ? o.phase1_lr : phase2;
  if (o.schedule == "one-cycle") return base * one_cycle_factor((epoch - 1 + progress) / epochs);
  if (o.schedule == "trapezoid") return base * trapezoid_factor(epoch - 1 + progress, constant, epochs);
  return base * published_factor(epoch, constant, epochs - constant);
}

}  // namespace fmpn::train
