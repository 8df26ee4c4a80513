#include "optimisation.h"

#include <torch/optim/adam.h>

#include "autocast.h"
#include "group_sgd.h"
#include "schedule.h"

namespace fmpn::train {
namespace {

/// Losses are never summed in half precision.
torch::Tensor at_least_single(const torch::Tensor& x) { return x.scalar_type() == torch::kBFloat16 ? x.to(torch::kFloat32) : x; }

/// One group of parameters each, in this order.
std::vector<Net> trained_nets(int phase, bool uses_masks) {
  if (phase == 1) return {Net::kFmg};
  if (!uses_masks) return {Net::kCn};
  return {Net::kCn, Net::kPfn, Net::kFmg};
}

}  // namespace

std::unique_ptr<torch::optim::Optimizer> make_optimiser(const FitOptions& options, int phase, FmpnNetImpl& net) {
  using namespace torch::optim;
  std::vector<OptimizerParamGroup> groups;
  const bool adam = phase == 1 || options.optimiser == "adam";
  for (const Net part : trained_nets(phase, net.uses_masks)) {
    const auto list = part == Net::kCn ? net.cn->parameters() : part == Net::kPfn ? net.pfn->parameters() : net.fmg->parameters();
    const double decay = phase == 1 || part == Net::kPfn ? 0 : options.weight_decay;
    if (adam) groups.emplace_back(list, std::make_unique<AdamOptions>(AdamOptions(1e-4).betas({0.5, 0.999}).weight_decay(decay)));
    else groups.emplace_back(list, std::make_unique<SGDOptions>(SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(decay)));
  }
  if (adam) return std::make_unique<Adam>(std::move(groups), AdamOptions(1e-4));
  return std::make_unique<GroupSgd>(std::move(groups), SGDOptions(0.1));
}

void set_learning_rates(torch::optim::Optimizer& optimiser, const FitOptions& options, int phase, int epoch, double progress) {
  auto& groups = optimiser.param_groups();
  const auto nets = trained_nets(phase, options.model.uses_masks);
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].options().set_lr(learning_rate(options, phase, nets[i], epoch, progress));
}

Losses losses_of(const FitOptions& options, int phase, FmpnNetImpl& net, const Batch& batch, const torch::Tensor& target) {
  const Autocast autocast(options.precision == "bf16", batch.rgb.device());
  Losses losses;
  if (phase == 1) {
    losses.total = torch::mse_loss(at_least_single(net.generate_mask(batch.rgb)), batch.mask);
    losses.mask = losses.total.detach();
    return losses;
  }
  const auto output = net.forward(batch.rgb);
  const auto smooth = target * (1 - options.label_smoothing) + options.label_smoothing / static_cast<double>(target.size(1));
  const auto entropy = -(smooth * torch::log_softmax(at_least_single(output.logits), 1)).sum(1).mean();
  losses.classes = entropy.detach();
  losses.total = options.lambda_class * entropy;
  if (!output.mask.defined() || options.lambda_mask == 0) return losses;
  const auto mask_loss = torch::mse_loss(at_least_single(output.mask), batch.mask);
  losses.mask = mask_loss.detach();
  losses.total = losses.total + options.lambda_mask * mask_loss;
  return losses;
}

}  // namespace fmpn::train
