#include "mask_scores.h"

#include <algorithm>
#include <string>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

template <typename T>
double squared_distance(const float* a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t p = 0; p < b.size(); ++p) {
    const double apart = static_cast<double>(a[p]) - b[p];
    sum += apart * apart;
  }
  return sum;
}

}  // namespace

MaskScores::MaskScores(const std::vector<float>& class_masks, std::size_t classes, int side, int input_size)
    : area_(static_cast<std::size_t>(input_size) * static_cast<std::size_t>(input_size)), faces_(classes, 0), sum_(area_, 0) {
  if (input_size > side)
    throw Error(ErrorCode::kBadSetting, "masks of " + std::to_string(side) + " pixels are smaller than the input's " + std::to_string(input_size));
  const auto whole = static_cast<std::size_t>(side), centre = static_cast<std::size_t>(input_size), edge = (whole - centre) / 2;
  for (std::size_t c = 0; c < classes; ++c) {
    truth_.emplace_back();
    for (std::size_t y = 0; y < centre; ++y) {
      const auto row = class_masks.begin() + static_cast<std::ptrdiff_t>((c * whole + edge + y) * whole + edge);
      truth_.back().insert(truth_.back().end(), row, row + static_cast<std::ptrdiff_t>(centre));
    }
  }
}

void MaskScores::add(const float* mask, std::size_t label) {
  std::vector<double> distances;
  for (const auto& truth : truth_) distances.push_back(squared_distance(mask, truth));
  const double own = distances.at(label);
  error_ += own;
  // Two classes may share one ground truth, such as "nothing has moved": a tie names neither.
  named_ += std::count_if(distances.begin(), distances.end(), [&](double d) { return d <= own; }) == 1 ? 1 : 0;
  for (std::size_t p = 0; p < area_; ++p) sum_[p] += mask[p];
  faces_[label] += 1, count_ += 1;
}

std::optional<double> MaskScores::r2() const {
  std::vector<double> mean(area_, 0);
  for (std::size_t c = 0; c < truth_.size(); ++c)
    for (std::size_t p = 0; p < area_; ++p) mean[p] += faces_[c] / count_ * truth_[c][p];
  double error_of_mean = 0;
  for (std::size_t c = 0; c < truth_.size(); ++c) error_of_mean += faces_[c] * squared_distance(truth_[c].data(), mean);
  // The same truth for all leaves what rounding does to its mean.
  constexpr double kRounding = 1e-12;
  if (!(error_of_mean > kRounding * count_ * static_cast<double>(area_))) return std::nullopt;
  return 1 - error_ / error_of_mean;
}

double MaskScores::nearest() const { return named_ / count_; }

std::vector<float> MaskScores::mean() const {
  std::vector<float> mean;
  for (const double s : sum_) mean.push_back(static_cast<float>(s / count_));
  return mean;
}

}  // namespace fmpn::train
