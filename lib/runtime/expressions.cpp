#include <algorithm>
#include <cmath>

#include <fmpn/error.h>

#include "runtime/engines.h"

namespace fmpn {

namespace {

/// Finite weights can come to more than a float holds: no answer is better than one that looks sure.
void require_finite(const std::vector<float>& values, const char* what, const ModelInfo& info) {
  if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorCode::kRuntime, "model '" + info.name + "': " + what + " that it computes are not finite numbers");
}

}  // namespace

std::vector<MotionMask> split_masks(const std::vector<float>& masks, const ModelInfo& info) {
  require_finite(masks, "the masks", info);
  const int side = info.input_size;
  const auto area = static_cast<std::ptrdiff_t>(side) * side;
  std::vector<MotionMask> result;
  for (auto at = masks.begin(); at != masks.end(); at += area) result.push_back({{at, at + area}, side});
  return result;
}

std::vector<float> joined_masks(const std::vector<MotionMask>& masks, std::size_t count, const ModelInfo& info) {
  if (masks.size() != count) throw Error(ErrorCode::kBadSetting, "classify: one mask a crop is needed");
  const int side = info.input_size;
  std::vector<float> values;
  for (const MotionMask& mask : masks) {
    if (mask.side != side || mask.values.size() != static_cast<std::size_t>(side) * static_cast<std::size_t>(side))
      throw Error(ErrorCode::kBadSetting, "classify: a mask of side " + std::to_string(mask.side) + " with " +
                                              std::to_string(mask.values.size()) + " values; the model needs side " + std::to_string(side));
    values.insert(values.end(), mask.values.begin(), mask.values.end());
  }
  return values;
}

void require_masks(const ModelInfo& info) {
  if (!info.uses_masks) throw Error(ErrorCode::kBadSetting, "model '" + info.name + "' has no mask generator (baseline)");
}

std::vector<Expression> expressions_of(const std::vector<float>& logits, const std::vector<float>& masks, const ModelInfo& info) {
  require_finite(logits, "the logits", info);
  const std::size_t classes = info.classes.size();
  std::vector<MotionMask> parts = split_masks(masks, info);
  std::vector<Expression> result(logits.size() / classes);
  for (std::size_t i = 0; i < result.size(); ++i) {
    Expression& e = result[i];
    e.logits.assign(logits.begin() + static_cast<std::ptrdiff_t>(i * classes),
                    logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes));
    const auto top = std::max_element(e.logits.begin(), e.logits.end());
    e.label_id = static_cast<int>(top - e.logits.begin());
    double sum = 0;
    for (const float logit : e.logits) sum += std::exp((logit - *top) / info.temperature);
    for (const float logit : e.logits) e.probabilities.push_back(static_cast<float>(std::exp((logit - *top) / info.temperature) / sum));
    if (!parts.empty()) e.mask = std::move(parts[i]);
  }
  return result;
}

}  // namespace fmpn
