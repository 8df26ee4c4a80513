#include "mask_scores.h"

#include <string>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

template <typename T>
double squared_distance(const std::vector<float>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t p = 0; p < b.size(); ++p) {
    const double apart = static_cast<double>(a[p]) - b[p];
    sum += apart * apart;
  }
  return sum;
}

void need(bool ok, const std::string& fault) {
  if (!ok) throw Error(ErrorCode::kBadSetting, fault);
}

}  // namespace

MaskScores::MaskScores(const std::vector<float>& class_masks, std::size_t classes, int side, int input_size)
    : area_(static_cast<std::size_t>(input_size) * static_cast<std::size_t>(input_size)), faces_(classes, 0), sum_(area_, 0) {
  const auto whole = static_cast<std::size_t>(side), centre = static_cast<std::size_t>(input_size), edge = (whole - centre) / 2;
  need(centre <= whole, "masks of " + std::to_string(side) + " pixels are smaller than the input's " + std::to_string(input_size));
  need(class_masks.size() == classes * whole * whole, "not one mask for each class");
  for (std::size_t c = 0; c < classes; ++c) {
    truth_.emplace_back();
    for (std::size_t y = 0; y < centre; ++y) {
      const auto row = class_masks.begin() + static_cast<std::ptrdiff_t>((c * whole + edge + y) * whole + edge);
      truth_.back().insert(truth_.back().end(), row, row + static_cast<std::ptrdiff_t>(centre));
    }
  }
}

void MaskScores::check(const std::vector<float>& mask, std::size_t label) const {
  need(mask.size() == area_, "a mask of " + std::to_string(mask.size()) + " values, not " + std::to_string(area_));
  need(label < truth_.size(), "no class " + std::to_string(label));
}

void MaskScores::add(const std::vector<float>& mask, std::size_t label) {
  check(mask, label);
  error_ += squared_distance(mask, truth_[label]);
  for (std::size_t p = 0; p < area_; ++p) sum_[p] += mask[p];
  faces_[label] += 1, count_ += 1;
}

std::optional<double> MaskScores::r2() const {
  std::vector<double> mean(area_, 0);
  for (std::size_t c = 0; c < truth_.size(); ++c)
    for (std::size_t p = 0; p < area_; ++p) mean[p] += faces_[c] / count_ * truth_[c][p];
  double error_of_mean = 0;
  for (std::size_t c = 0; c < truth_.size(); ++c) error_of_mean += faces_[c] * squared_distance(truth_[c], mean);
  // One truth for all leaves the square of what its mean is rounded by, some 1e-32 a pixel; two truths that differ in the last of 256
  // levels, in one pixel, more than 1e-5.
  constexpr double kRounding = 1e-20;
  if (!(error_of_mean > kRounding * count_ * static_cast<double>(area_))) return std::nullopt;
  return 1 - error_ / error_of_mean;
}

std::vector<float> MaskScores::mean() const {
  std::vector<float> mean;
  for (const double s : sum_) mean.push_back(static_cast<float>(s / count_));
  return mean;
}

bool MaskScores::is_nearest(const std::vector<float>& mask, std::size_t label) const {
  check(mask, label);
  const double own = squared_distance(mask, truth_[label]);
  for (std::size_t c = 0; c < truth_.size(); ++c)
    if (c != label && !(own < squared_distance(mask, truth_[c]))) return false;
  return true;
}

}  // namespace fmpn::train
