#include "mask_replacement.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace fmpn::train {

MaskReplacement::MaskReplacement(const Engine& engine, const std::vector<Image>& crops, const std::string& kind)
    : engine_(engine), crops_(crops), order_(crops.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  if (kind == "other") {
    std::shuffle(order_.begin(), order_.end(), std::mt19937_64(1));
    return;
  }
  same_ = generated(0, 1).front();
  std::vector<double> sum(same_.values.size(), 0);
  constexpr std::size_t kBatch = 64;
  for (std::size_t first = 0; kind == "mean" && first < crops.size(); first += kBatch)
    for (const MotionMask& mask : generated(first, std::min(first + kBatch, crops.size())))
      std::transform(sum.begin(), sum.end(), mask.values.begin(), sum.begin(), std::plus<>());
  std::transform(sum.begin(), sum.end(), same_.values.begin(), [&](double v) { return static_cast<float>(v / static_cast<double>(crops.size())); });
}

std::vector<MotionMask> MaskReplacement::masks(std::size_t first, std::size_t last) const {
  return same_.empty() ? generated(first, last) : std::vector<MotionMask>(last - first, same_);
}

std::vector<MotionMask> MaskReplacement::generated(std::size_t first, std::size_t last) const {
  std::vector<ImageView> views;
  for (std::size_t i = first; i < last; ++i) views.push_back(crops_[order_[i]].view());
  return engine_.generate_masks(views);
}

}  // namespace fmpn::train
