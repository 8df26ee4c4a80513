#include "calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

double top_of(const std::vector<float>& logits) { return *std::max_element(logits.begin(), logits.end()); }

/// ln Σ exp((z − max) / T): finite however far the logits lie apart.
double log_sum(const std::vector<float>& logits, double temperature) {
  const double top = top_of(logits);
  double sum = 0;
  for (const float z : logits) sum += std::exp((z - top) / temperature);
  return std::log(sum);
}

}  // namespace

double fit_temperature(const LabelledLogits& data) {
  const auto loss = [&](double log_t) {
    const double t = std::exp(log_t);
    double sum = 0;
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
      const auto& logits = data.logits[i];
      sum += log_sum(logits, t) - (logits[data.labels[i]] - top_of(logits)) / t;
    }
    return sum;
  };
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(kLeastTemperature), high = std::log(kMostTemperature);
  while (high - low > 1e-4) {
    const double a = high - ratio * (high - low), b = low + ratio * (high - low);
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return std::exp((low + high) / 2);
}

std::vector<float> probabilities_at(double temperature, const std::vector<float>& logits) {
  const double top = top_of(logits), sum = log_sum(logits, temperature);
  std::vector<float> probabilities;
  for (const float z : logits) probabilities.push_back(static_cast<float>(std::exp((z - top) / temperature - sum)));
  return probabilities;
}

Answers answers_at(double temperature, const LabelledLogits& data, const std::vector<std::string>& classes) {
  Answers answers(classes);
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    const auto& logits = data.logits[i];
    const auto named = static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    answers.add(data.labels[i], named, std::exp(-log_sum(logits, temperature)));
  }
  return answers;
}

void calibrate(ModelInfo& info, const LabelledLogits& data, double wanted) {
  for (const auto& logits : data.logits)
    if (!std::all_of(logits.begin(), logits.end(), [](float z) { return std::isfinite(z); }))
      throw Error(ErrorCode::kBadFormat, "the model '" + info.name + "' gives a logit that is not finite");
  info.temperature = fit_temperature(data);
  const Answers answers = answers_at(info.temperature, data, info.classes);
  info.min_confidence = choose_abstention(answers.confidence, answers.correct, wanted).threshold;
  info.provenance["calibration_images"] = std::to_string(data.labels.size());
}

std::string calibration_fault(const ModelInfo& info, std::size_t pictures, double wanted) {
  char fault[192] = "";
  if (info.temperature < 1.001 * kLeastTemperature || info.temperature > 0.999 * kMostTemperature)
    std::snprintf(fault, sizeof fault,
                  "no temperature between %g and %g fits: too few pictures (%zu), or nearly all of them right or wrong", kLeastTemperature,
                  kMostTemperature, pictures);
  else if (info.min_confidence == 1)
    std::snprintf(fault, sizeof fault, "there is no confidence from which %g %% of the answers are right (%zu pictures)", 100 * wanted,
                  pictures);
  return fault;
}

CalibrationFigures calibration_figures(const ModelInfo& info, const LabelledLogits& data) {
  const Answers answers = answers_at(info.temperature, data, info.classes);
  const Abstention at = abstention_at(info.min_confidence, answers.confidence, answers.correct);
  return {info.temperature, info.min_confidence, at.coverage, at.accuracy,
          expected_calibration_error(answers.confidence, answers.correct)};
}

std::string calibration_text(const CalibrationFigures& figures) {
  char text[192];
  std::snprintf(text, sizeof text,
                "temperature %.3f, min-confidence %.2f: answers %.1f %% of the pictures, %.1f %% of them right; calibration error %.4f",
                figures.temperature, figures.min_confidence, 100 * figures.coverage, 100 * figures.answered_accuracy,
                figures.calibration_error);
  return text;
}

}  // namespace fmpn::train
