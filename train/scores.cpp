#include "scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fmpn::train {

ConfusionMatrix::ConfusionMatrix(std::vector<std::string> classes)
    : classes_(std::move(classes)), counts_(classes_.size(), std::vector<long>(classes_.size(), 0)) {}

long ConfusionMatrix::total() const {
  long n = 0;
  for (const auto& row : counts_) n = std::accumulate(row.begin(), row.end(), n);
  return n;
}

double ConfusionMatrix::accuracy() const {
  long right = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) right += counts_[i][i];
  return total() == 0 ? 0 : static_cast<double>(right) / static_cast<double>(total());
}

double expected_calibration_error(const std::vector<double>& confidence, const std::vector<bool>& correct) {
  constexpr std::size_t kBins = 15;
  std::vector<double> sure(kBins, 0), right(kBins, 0);
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const auto bin = std::min(kBins - 1, static_cast<std::size_t>(confidence[i] * kBins));
    sure[bin] += confidence[i];
    right[bin] += correct[i] ? 1 : 0;
  }
  double error = 0;
  for (std::size_t b = 0; b < kBins; ++b) error += std::abs(sure[b] - right[b]);
  return confidence.empty() ? 0 : error / static_cast<double>(confidence.size());
}

Abstention abstention_at(double threshold, const std::vector<double>& confidence, const std::vector<bool>& correct) {
  long answered = 0, right = 0;
  for (std::size_t i = 0; i < confidence.size(); ++i)
    if (confidence[i] >= threshold) ++answered, right += correct[i] ? 1 : 0;
  const auto share = [](long part, double whole) { return whole == 0 ? 0 : static_cast<double>(part) / whole; };
  return {threshold, share(answered, static_cast<double>(confidence.size())), share(right, static_cast<double>(answered))};
}

Abstention choose_abstention(const std::vector<double>& confidence, const std::vector<bool>& correct, double wanted) {
  Abstention best{1, 0, 0};
  for (int hundredths = 99; hundredths >= 0; --hundredths) {
    const Abstention at = abstention_at(hundredths / 100.0, confidence, correct);
    if (at.coverage > best.coverage && at.accuracy >= wanted) best = at;
  }
  if (best.coverage == 1) best.threshold = 0;
  return best;
}

}  // namespace fmpn::train
