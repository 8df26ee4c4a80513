#include "agreement.h"

#include <algorithm>
#include <cmath>

#include <torch/types.h>

#include "crop_views.h"
#include "runtime/engines.h"

namespace fmpn::train {

std::optional<Bfloat16Agreement> bfloat16_agreement(const std::string& model, const DataSet& data, int threads) {
  if (!cpu_has_bfloat16() || data.size() == 0) return std::nullopt;
  const auto exact = Engine::load(model, {"cpu", Precision::kFp32, threads});
  const auto fast = Engine::load(model, {"cpu", Precision::kBf16, threads});
  constexpr int64_t kBatch = 16;
  int64_t same = 0;
  float difference = 0;
  for (int64_t first = 0; first < data.size(); first += kBatch) {
    const CropViews crops(data.take(torch::arange(first, std::min(first + kBatch, data.size()))));
    const auto a = exact->classify(crops.views), b = fast->classify(crops.views);
    for (std::size_t i = 0; i < a.size(); ++i) {
      same += a[i].label_id == b[i].label_id ? 1 : 0;
      for (std::size_t j = 0; j < a[i].mask.values.size(); ++j)
        difference = std::max(difference, std::abs(a[i].mask.values[j] - b[i].mask.values[j]));
    }
  }
  return Bfloat16Agreement{static_cast<double>(same) / static_cast<double>(data.size()), static_cast<double>(difference)};
}

}  // namespace fmpn::train
