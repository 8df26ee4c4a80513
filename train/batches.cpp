#include "batches.h"

#include <algorithm>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/functional/upsampling.h>
#include <torch/types.h>

#include "runtime/device.h"

namespace fmpn::train {
namespace {

/// Beta(α, α), by LibTorch's gamma: std::gamma_distribution differs from one standard library to the next.
double beta_draw(double alpha, const at::Generator& generator) {
  const auto gammas = at::_standard_gamma(torch::full({2}, alpha, torch::kFloat64), generator);
  const auto a = gammas[0].item<double>(), b = gammas[1].item<double>();
  return a + b > 0 ? a / (a + b) : 0.5;
}

torch::Tensor shrunk(const torch::Tensor& images, int side) {
  namespace F = torch::nn::functional;
  return F::interpolate(
      images,
      F::InterpolateFuncOptions().size(std::vector<std::int64_t>{side, side}).mode(torch::kBilinear).align_corners(false).antialias(true));
}

}  // namespace

Batches::Batches(const FitOptions& options, const DataSet& data, const torch::Tensor& class_masks, torch::Tensor order, std::int64_t batch,
                 std::uint64_t seed, bool mix, int side, const torch::Device& device)
    : options_(options), data_(data), class_masks_(class_masks.to(device)), order_(std::move(order)), batch_(std::min(batch, order_.size(0))),
      steps_(order_.size(0) / batch_ + (order_.size(0) % batch_ > 1 ? 1 : 0)), seed_(seed), mix_(mix), side_(side), device_(device) {
  start();
}

void Batches::start() {
  ahead_ = std::async(std::launch::async, [this, step = started_++] { return make(step); });
}

TrainingBatch Batches::next() {
  TrainingBatch batch = ahead_.get();
  if (started_ < steps_) start();
  return batch;
}

TrainingBatch Batches::make(std::int64_t step) const {
  const torch::NoGradGuard no_grad;
  const auto chosen = order_.slice(0, step * batch_, step + 1 == steps_ ? order_.size(0) : (step + 1) * batch_);
  const auto labels = data_.labels.index_select(0, chosen);
  // The generator hashes its seed poorly for neighbours; splitmix's constant spreads them.
  const std::uint64_t seed = seed_ + static_cast<std::uint64_t>(step) * 0x9e3779b97f4a7c15ULL;
  TrainingBatch made;
  made.images = augment(queued_copy(data_.take(chosen), device_), class_masks_.index_select(0, queued_copy(labels, device_)),
                        options_.model.input_size, options_.augmentation, at::detail::createCPUGenerator(seed));
  made.target = queued_copy(data_.targets.index_select(0, chosen), device_);
  if (mix_) {
    const double share = beta_draw(options_.mixup, at::detail::createCPUGenerator(seed ^ 0x6d69787570ULL));
    const auto mixed = [&](const torch::Tensor& t) { return share * t + (1 - share) * t.flip(0); };  // batches are shuffled
    made = {{mixed(made.images.rgb), mixed(made.images.mask)}, mixed(made.target)};
  }
  if (side_ != options_.model.input_size) made.images = {shrunk(made.images.rgb, side_), shrunk(made.images.mask, side_)};
  made.images.rgb = made.images.rgb.contiguous(torch::MemoryFormat::ChannelsLast);
  return made;
}

}  // namespace fmpn::train
