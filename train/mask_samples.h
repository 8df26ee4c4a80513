#pragma once

#include <string>
#include <vector>

#include <fmpn/image_view.h>

#include "data_set.h"
#include "nn/fmpn_net.h"

namespace fmpn::train {

/// For each class two faces of `data`, each with the mask that `net` generates and the ground truth, as heat maps in one
/// sheet to look at. `class_masks` K×1×H×H float in [0,1]; net uses masks; data is not empty.
Image mask_samples(FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, const std::vector<std::string>& classes,
                   int input_size, const std::string& title);

}  // namespace fmpn::train
