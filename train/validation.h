#pragma once

#include <optional>

#include <torch/types.h>

#include "data_set.h"
#include "nn/fmpn_net.h"

namespace fmpn::train {

/// What a net makes of the centre crops of a data set.
struct Validation {
  torch::Tensor logits;     ///< N×K, float; undefined where the masks alone were judged
  torch::Tensor mean_mask;  ///< 1×1×S×S, of FMG's masks; undefined for the baseline
  /// MaskScores::r2() of FMG's masks. Also none for the baseline.
  std::optional<double> mask_r2;
};

enum class Judged { kMasks, kMasksAndLogits };

/// `class_masks`: K×1×H×H with the crops' H. `half`: in bfloat16. `data` is not empty.
Validation validate(Judged judged, FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, int input_size,
                    bool half = false);

/// The share of N×K `logits` that name their label, 0…1.
double accuracy(const torch::Tensor& logits, const torch::Tensor& labels);

/// Logits where every face gets `mask`, 1×1×S×S; N×K, float.
torch::Tensor logits_with_mask(FmpnNetImpl& net, const DataSet& data, int input_size, const torch::Tensor& mask);

}  // namespace fmpn::train
