#include "validation.h"

#include <algorithm>
#include <vector>

#include "augmentation.h"
#include "autocast.h"

namespace fmpn::train {
namespace {

/// Calls `f` with the centre crops of `data`, a batch at a time, on the device of `net`, and the place of the first of them in `data`.
template <typename F>
void for_each_batch(FmpnNetImpl& net, const DataSet& data, int input_size, const F& f) {
  const torch::InferenceMode inference;
  net.eval();
  constexpr int64_t kBatch = 256;
  const torch::Device device = net.parameters().front().device();
  for (int64_t first = 0; first < data.size(); first += kBatch) {
    const auto crops = data.take(torch::arange(first, std::min(first + kBatch, data.size())));
    const auto no_masks = torch::zeros({crops.size(0), 1, crops.size(2), crops.size(3)});
    f(augment(crops, no_masks, input_size, "none").rgb.contiguous(torch::MemoryFormat::ChannelsLast).to(device), first);
  }
}

/// Sums over the masks of a data set, in double.
class MaskSums {
 public:
  MaskSums(const DataSet& data, const torch::Tensor& class_masks, int input_size) : labels_(data.labels) {
    const int64_t edge = (class_masks.size(-1) - input_size) / 2;
    truth_ = class_masks.narrow(2, edge, input_size).narrow(3, edge, input_size).to(torch::kFloat64);
    mean_truth_ = truth_.index_select(0, labels_).mean(0, /*keepdim=*/true);
    sum_ = torch::zeros_like(mean_truth_);
  }

  /// `masks`: of the faces from `first` on.
  void add(const torch::Tensor& masks, int64_t first) {
    const auto drawn = masks.to(torch::kCPU, torch::kFloat64);
    const auto truth = truth_.index_select(0, labels_.narrow(0, first, drawn.size(0)));
    sum_ += drawn.sum(0, /*keepdim=*/true);
    own_ += (drawn - truth).square().sum().item<double>();
    same_ += (mean_truth_ - truth).square().sum().item<double>();
  }

  torch::Tensor mean() const { return (sum_ / labels_.size(0)).to(torch::kFloat32); }
  std::optional<double> determination() const { return same_ > 0 ? std::optional(1 - own_ / same_) : std::nullopt; }

 private:
  torch::Tensor labels_, truth_, mean_truth_, sum_;
  double own_ = 0, same_ = 0;  ///< squared errors: of each face's mask, of the one mask
};

}  // namespace

double Validation::accuracy(const DataSet& data) const {
  return logits.argmax(1).eq(data.labels).to(torch::kFloat64).mean().item<double>();
}

Validation validate(Judged judged, FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, int input_size, bool half) {
  const Autocast autocast(half, net.parameters().front().device());
  std::optional<MaskSums> sums;
  if (net.uses_masks) sums.emplace(data, class_masks, input_size);
  std::vector<torch::Tensor> logits;
  for_each_batch(net, data, input_size, [&](const torch::Tensor& rgb, int64_t first) {
    const auto masks = sums ? net.generate_mask(rgb) : torch::Tensor();
    if (sums) sums->add(masks, first);
    if (judged == Judged::kAll) logits.push_back(net.forward(rgb, masks).logits.to(torch::kCPU, torch::kFloat32));
  });
  Validation result;
  if (judged == Judged::kAll) result.logits = torch::cat(logits);
  if (sums) result.mean_mask = sums->mean(), result.mask_determination = sums->determination();
  return result;
}

torch::Tensor logits_with_mask(FmpnNetImpl& net, const DataSet& data, int input_size, const torch::Tensor& mask) {
  std::vector<torch::Tensor> logits;
  for_each_batch(net, data, input_size, [&](const torch::Tensor& rgb, int64_t) {
    const auto masks = mask.to(rgb.device()).expand({rgb.size(0), -1, -1, -1});
    logits.push_back(net.forward(rgb, masks).logits.to(torch::kCPU, torch::kFloat32));
  });
  return torch::cat(logits);
}

}  // namespace fmpn::train
