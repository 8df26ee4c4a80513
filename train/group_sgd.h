#pragma once

#include <torch/optim/sgd.h>

namespace fmpn::train {

/// torch's SGD with Nesterov's momentum, in its arithmetic and with its state, but every step of it is taken for all tensors of a group
/// at once: a GPU would spend more time on being asked, tensor by tensor, than on the sums.
class GroupSgd final : public torch::optim::SGD {
 public:
  using torch::optim::SGD::SGD;
  torch::Tensor step(LossClosure closure = nullptr) override;
};

}  // namespace fmpn::train
