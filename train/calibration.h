#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <fmpn/model_info.h>

#include "scores.h"

namespace fmpn::train {

/// What a CN said of pictures whose class is known.
struct LabelledLogits {
  std::vector<std::vector<float>> logits;  ///< N×K
  std::vector<std::size_t> labels;         ///< N
  void add(std::vector<float> of_picture, std::size_t label) {
    logits.push_back(std::move(of_picture));
    labels.push_back(label);
  }
};

/// The temperature that minimises the negative log-likelihood of the labels under softmax(logits / T) (Guo et al. 2017), by
/// golden-section search over ln T in [ln 0.2, ln 5].
double fit_temperature(const LabelledLogits& said);

/// The answers under softmax(logits / temperature).
Answers answers_at(double temperature, const LabelledLogits& said, const std::vector<std::string>& classes);

/// Of what the product answers so much should be right; below `min_confidence` it says `uncertain`.
constexpr double kWantedAccuracy = 0.8;

/// Fits `info.temperature`, and `info.min_confidence` to `wanted` (choose_abstention(), up to a full hundredth: a limit to remember, and room
/// for the last bits of another precision). The pictures must not have been trained on: of those a model is surer than it has reason to be.
void calibrate(ModelInfo& info, const LabelledLogits& said, double wanted);

}  // namespace fmpn::train
