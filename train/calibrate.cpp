#include "calibrate.h"

#include <cmath>

#include <torch/torch.h>

namespace fmpn::train {

double fit_temperature(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  const auto loss = [&](double log_t) {
    return torch::cross_entropy_loss(logits / std::exp(log_t), labels).item<double>();
  };
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(0.2), high = std::log(5.0);
  while (high - low > 1e-4) {
    const double a = high - ratio * (high - low), b = low + ratio * (high - low);
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return std::exp((low + high) / 2);
}

}  // namespace fmpn::train
