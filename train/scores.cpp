#include "scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fmpn::train {
namespace {

std::optional<double> share(long part, long whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

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
  return share(right, total()).value_or(0);
}

double ConfusionMatrix::balanced_accuracy() const {
  std::vector<double> recalls;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (const auto recall = scores_of(i).recall) recalls.push_back(*recall);
  return mean(recalls);
}

double ConfusionMatrix::macro_f1() const {
  std::vector<double> all;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (const auto f1 = scores_of(i).f1) all.push_back(*f1);
  return mean(all);
}

ClassScores ConfusionMatrix::scores_of(std::size_t of) const {
  ClassScores scores;
  for (std::size_t k = 0; k < counts_.size(); ++k) scores.pictures += counts_[of][k], scores.named += counts_[k][of];
  const long right = counts_[of][of];
  scores.recall = share(right, scores.pictures);
  scores.precision = share(right, scores.named);
  scores.f1 = share(2 * right, scores.pictures + scores.named);
  return scores;
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
  return {threshold, share(answered, static_cast<long>(confidence.size())).value_or(0), share(right, answered).value_or(0)};
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
