#pragma once

#include <torch/types.h>

namespace fmpn::train {

/// The temperature that minimises the negative log-likelihood of `labels` (N int64) under softmax(logits / T), N×K float
/// (Guo et al. 2017), by golden-section search over ln T in [ln 0.2, ln 5].
double fit_temperature(const torch::Tensor& logits, const torch::Tensor& labels);

}  // namespace fmpn::train
