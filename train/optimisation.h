#pragma once

#include <memory>

#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include "augmentation.h"
#include "fit_options.h"
#include "nn/fmpn_net.h"

namespace fmpn::train {

/// The optimiser of a phase. Its parameter groups: in phase 1 FMG; in phase 2 CN, PFN, FMG. Phase 1 is always Adam: its loss is a plain
/// regression. PFN's 377 parameters do not decay: decay and a large rate together have been seen to close the ReLU that the masked
/// face passes, for good, and a model whose masks are drawn but not used looks like any other.
std::unique_ptr<torch::optim::Optimizer> make_optimiser(const FitOptions& options, int phase, FmpnNetImpl& net);

/// Sets the learning rate of every group for 1-based `epoch`, of which the share `progress` in [0,1) is done.
void set_learning_rates(torch::optim::Optimizer& optimiser, const FitOptions& options, int phase, int epoch, double progress);

struct Losses {
  torch::Tensor total;          ///< to be minimised: Eq. 2 in phase 1, Eq. 5 in phase 2
  torch::Tensor mask, classes;  ///< its parts, unweighted and on its device, without a gradient; undefined where a part is not used
};

/// The losses of a batch, N×3×S×S faces and N×1×S×S masks, with class shares `target`, N×K.
Losses losses_of(const FitOptions& options, int phase, FmpnNetImpl& net, const Batch& batch, const torch::Tensor& target);

}  // namespace fmpn::train
