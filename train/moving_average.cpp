#include "moving_average.h"

#include <algorithm>

#include <torch/utils.h>

namespace fmpn::train {
namespace {

std::vector<torch::Tensor> state_list(const torch::nn::Module& net) {
  std::vector<torch::Tensor> state = net.parameters();
  for (const auto& buffer : net.buffers()) state.push_back(buffer);
  return state;
}

}  // namespace

void copy_state(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto source = state_list(from), target = state_list(to);
  for (std::size_t i = 0; i < source.size(); ++i) target[i].copy_(source[i]);
}

MovingAverage::MovingAverage(const torch::nn::Module& net, torch::nn::Module& average, double decay) : decay_(decay) {
  const auto from = state_list(net), to = state_list(average);
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i].is_floating_point()) net_.push_back(from[i].detach()), average_.push_back(to[i].detach());
}

void MovingAverage::update(std::int64_t step) {
  const torch::NoGradGuard no_grad;
  // Young averages forget faster: else the first weights, and batch norm's first variances, stay in for epochs.
  const double decay = std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  at::_foreach_add_(average_, at::_foreach_sub(net_, average_), 1 - decay);
}

}  // namespace fmpn::train
