#pragma once

#include <optional>

#include <torch/torch.h>

#include "data_set.h"
#include "nn/fmpn_net.h"

namespace fmpn::train {

/// What a net makes of the centre crops of a data set.
struct Validation {
  torch::Tensor logits;     ///< N×K, float; undefined where the masks alone were judged
  torch::Tensor mean_mask;  ///< 1×1×S×S, of FMG's masks; undefined for the baseline
  /// How much of what the ground-truth masks differ by FMG's masks tell (R², the coefficient of determination): 1 − their squared
  /// error / that of the one mask that is the mean of the ground truth. 1 at most; 0 and less where FMG draws no better than that one
  /// mask. None for the baseline, and where the ground truth is the same for all.
  std::optional<double> mask_determination;

  double accuracy(const DataSet& data) const;  ///< 0…1; of the logits
};

enum class Judged { kMasks, kAll };

/// `class_masks`: K×1×H×H with the crops' H. `half`: in bfloat16. `data` is not empty.
Validation validate(Judged judged, FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, int input_size, bool half = false);

/// Logits where every face gets `mask`, 1×1×S×S; N×K, float.
torch::Tensor logits_with_mask(FmpnNetImpl& net, const DataSet& data, int input_size, const torch::Tensor& mask);

}  // namespace fmpn::train
