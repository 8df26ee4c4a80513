#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/model_info.h>

#include "scores.h"

namespace fmpn::train {

/// What a CN made of pictures whose class is known.
struct LabelledLogits {
  std::vector<std::vector<float>> logits;  ///< N×K
  std::vector<std::size_t> labels;         ///< N
  void add(std::vector<float> of_picture, std::size_t label) {
    logits.push_back(std::move(of_picture));
    labels.push_back(label);
  }
};

/// Where the search for a temperature ends.
constexpr double kLeastTemperature = 0.2, kMostTemperature = 5;

/// The temperature that minimises the negative log-likelihood of the labels under softmax(logits / T) (Guo et al. 2017), by
/// golden-section search over ln T.
double fit_temperature(const LabelledLogits& data);

/// softmax(logits / temperature).
std::vector<float> probabilities_at(double temperature, const std::vector<float>& logits);

/// The answers under softmax(logits / temperature).
Answers answers_at(double temperature, const LabelledLogits& data, const std::vector<std::string>& classes);

/// Of what the product answers so much should be right; below `min_confidence` it says `uncertain`.
constexpr double kWantedAccuracy = 0.8;

/// Fits `info.temperature`, and `info.min_confidence` by choose_abstention(); notes in the provenance how many pictures it had. They
/// must not have been trained on: of those a model is surer than it has reason to be. Throws kBadFormat for a logit that is not finite.
void calibrate(ModelInfo& info, const LabelledLogits& data, double wanted);

/// Why the numbers that calibrate() has fitted to so many pictures are none: they would make a model that is always sure, or never. Empty:
/// they are good.
std::string calibration_fault(const ModelInfo& info, std::size_t pictures, double wanted);

/// How good the numbers that a model has are for some pictures.
struct CalibrationFigures {
  double temperature = 1, min_confidence = 0;
  double coverage = 0;           ///< share of the pictures that are answered
  double answered_accuracy = 0;  ///< share of the answers that are right
  double calibration_error = 0;  ///< of all pictures
};
CalibrationFigures calibration_figures(const ModelInfo& info, const LabelledLogits& data);

/// "temperature 1.070, min-confidence 0.56: answers 69.0 % of the pictures, 80.3 % of them right; calibration error 0.0288"
std::string calibration_text(const CalibrationFigures& figures);

}  // namespace fmpn::train
