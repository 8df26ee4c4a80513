#pragma once

#include <vector>

#include <torch/types.h>

#include <fmpn/image_view.h>
#include <fmpn/model_info.h>

namespace fmpn {

/// Aligned crops → the networks' input: N×3×S×S float in [0,1], the centre S×S of each crop; for a model of colour
/// `gray` all three channels hold the 8-bit luma. Shared by the engine and the trainer. A crop that is already S×S is
/// used whole. Throws kBadSetting for another size.
torch::Tensor crops_to_tensor(const std::vector<ImageView>& crops, const ModelInfo& info);

}  // namespace fmpn
