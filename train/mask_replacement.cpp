#include "mask_replacement.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <utility>

#include <fmpn/error.h>

#include "progress.h"

namespace fmpn::train {

MaskReplacement::MaskReplacement(const Engine& engine, const std::vector<Image>& crops, const std::string& kind)
    : engine_(engine), crops_(crops), order_(crops.size()) {
  if (!engine.info().uses_masks) throw Error(ErrorCode::kBadSetting, "--replace-masks: the model '" + engine.info().name + "' has no masks");
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  if (kind == "other") {
    if (crops.size() < 2) throw Error(ErrorCode::kBadSetting, "--replace-masks other: there is no other face");
    // Sattolo's shuffle makes one cycle of all: none stays where it was.
    std::mt19937_64 generator(1);
    for (std::size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[generator() % i]);
    return;
  }
  same_ = generated(0, 1).front();
  std::vector<double> sum(same_.values.size(), 0);
  constexpr std::size_t kBatch = 64;
  Progress progress("masks", static_cast<long>(crops.size()));
  for (std::size_t first = 0; kind == "mean" && first < crops.size(); first += kBatch) {
    const std::size_t last = std::min(first + kBatch, crops.size());
    for (const MotionMask& mask : generated(first, last))
      std::transform(sum.begin(), sum.end(), mask.values.begin(), sum.begin(), std::plus<>());
    progress.update(static_cast<long>(last));
  }
  const auto count = static_cast<double>(crops.size());
  std::transform(sum.begin(), sum.end(), same_.values.begin(), [&](double v) { return static_cast<float>(v / count); });
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
