#include "group_sgd.h"

#include <sstream>
#include <type_traits>

#include <torch/types.h>

namespace fmpn::train {
namespace {

/// LibTorch 1.13 finds a parameter's state by its address as text, later ones by the address.
template <typename Key>
Key state_key(const torch::Tensor& parameter) {
  auto* const address = parameter.unsafeGetTensorImpl();
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << address;
    return text.str();
  } else {
    return address;
  }
}

}  // namespace

torch::Tensor GroupSgd::step(LossClosure closure) {
  TORCH_CHECK(closure == nullptr, "GroupSgd takes no closure");
  using Key = std::decay_t<decltype(state().begin()->first)>;
  const torch::NoGradGuard no_grad;
  for (auto& group : param_groups()) {
    const auto& options = static_cast<const torch::optim::SGDOptions&>(group.options());
    TORCH_CHECK(options.nesterov(), "GroupSgd knows Nesterov's momentum alone");
    std::vector<torch::Tensor> parameters, gradients, momenta;
    for (const auto& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      auto& entry = state()[state_key<Key>(parameter)];
      if (!entry) {  // the first gradient's momentum is the gradient itself
        auto fresh = std::make_unique<torch::optim::SGDParamState>();
        fresh->momentum_buffer(torch::zeros_like(parameter));
        entry = std::move(fresh);
      }
      parameters.push_back(parameter);
      gradients.push_back(parameter.grad());
      momenta.push_back(static_cast<torch::optim::SGDParamState&>(*entry).momentum_buffer());
    }
    if (parameters.empty()) continue;
    auto step = options.weight_decay() != 0 ? at::_foreach_add(gradients, parameters, options.weight_decay()) : gradients;
    at::_foreach_mul_(momenta, options.momentum());
    at::_foreach_add_(momenta, step, 1);
    step = at::_foreach_add(step, momenta, options.momentum());
    at::_foreach_add_(parameters, step, -options.lr());
  }
  return {};
}

}  // namespace fmpn::train
