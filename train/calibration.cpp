#include "calibration.h"

#include <algorithm>
#include <cmath>

namespace fmpn::train {
namespace {

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> shares;
  double sum = 0;
  for (const float z : logits) sum += shares.emplace_back(std::exp((z - top) / temperature));
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace

double fit_temperature(const LabelledLogits& said) {
  const auto loss = [&](double log_t) {
    double sum = 0;
    for (std::size_t i = 0; i < said.labels.size(); ++i) sum -= std::log(softmax(said.logits[i], std::exp(log_t))[said.labels[i]]);
    return sum;
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

Answers answers_at(double temperature, const LabelledLogits& said, const std::vector<std::string>& classes) {
  Answers answers(classes);
  for (std::size_t i = 0; i < said.labels.size(); ++i) {
    const auto shares = softmax(said.logits[i], temperature);
    const auto top = std::max_element(shares.begin(), shares.end());
    answers.add(said.labels[i], static_cast<std::size_t>(top - shares.begin()), *top);
  }
  return answers;
}

void calibrate(ModelInfo& info, const LabelledLogits& said, double wanted) {
  info.temperature = fit_temperature(said);
  const Answers answers = answers_at(info.temperature, said, info.classes);
  info.min_confidence = std::ceil(100 * choose_abstention(answers.confidence, answers.correct, wanted).threshold) / 100;
}

}  // namespace fmpn::train
