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
  // 256 pictures of 44 px, fewer of larger ones: the first maps of a net are by far its largest, and would outgrow a training batch's.
  constexpr int64_t kPixels = 256 * 44 * 44;
  const int64_t batch = std::clamp<int64_t>(kPixels / (int64_t{input_size} * input_size), 1, 256);
  const torch::Device device = net.parameters().front().device();
  for (int64_t first = 0; first < data.size(); first += batch) {
    const auto crops = data.take(torch::arange(first, std::min(first + batch, data.size())));
    const auto no_masks = torch::zeros({crops.size(0), 1, crops.size(2), crops.size(3)});
    f(augment(crops, no_masks, input_size, "none").rgb.contiguous(torch::MemoryFormat::ChannelsLast).to(device), first);
  }
}

/// Sums over the masks of a data set, in double.
class MaskSums {
 public:
  MaskSums(const torch::Tensor& labels, const torch::Tensor& class_masks, int input_size) : labels_(labels) {
    const int64_t edge = (class_masks.size(-1) - input_size) / 2;
    TORCH_CHECK(edge >= 0, "masks of ", class_masks.size(-1), " pixels are smaller than the input's ", input_size);
    truth_ = class_masks.narrow(2, edge, input_size).narrow(3, edge, input_size).to(torch::kFloat64);
    const auto faces = torch::bincount(labels, {}, truth_.size(0)).to(torch::kFloat64).view({-1, 1, 1, 1});
    const auto mean = (faces * truth_).sum(0, /*keepdim=*/true) / faces.sum();
    error_of_mean_ = (faces * (truth_ - mean).square()).sum().item<double>();
    sum_ = torch::zeros_like(mean);
  }

  /// `masks`: of the faces from `first` on.
  void add(const torch::Tensor& masks, int64_t first) {
    const auto drawn = masks.to(torch::kCPU, torch::kFloat64);
    const auto truth = truth_.index_select(0, labels_.narrow(0, first, drawn.size(0)));
    sum_ += drawn.sum(0, /*keepdim=*/true);
    error_ += (drawn - truth).square().sum().item<double>();
  }

  torch::Tensor mean() const { return (sum_ / labels_.size(0)).to(torch::kFloat32); }
  std::optional<double> r2() const { return error_of_mean_ > 0 ? std::optional(1 - error_ / error_of_mean_) : std::nullopt; }

 private:
  torch::Tensor labels_, truth_, sum_;      ///< N; K×1×S×S; 1×1×S×S
  double error_ = 0, error_of_mean_ = 0;  ///< squared: of each face's mask, of the ground truth's mean for every face
};

}  // namespace

double accuracy(const torch::Tensor& logits, const torch::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();
}

Validation validate(Judged judged, FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, int input_size, bool half) {
  TORCH_CHECK(data.size() > 0, "nothing to validate on");
  const Autocast autocast(half, net.parameters().front().device());
  std::optional<MaskSums> sums;
  if (net.uses_masks) sums.emplace(data.labels, class_masks, input_size);
  std::vector<torch::Tensor> logits;
  for_each_batch(net, data, input_size, [&](const torch::Tensor& rgb, int64_t first) {
    const auto masks = sums ? net.generate_mask(rgb) : torch::Tensor();
    if (sums) sums->add(masks, first);
    if (judged == Judged::kMasksAndLogits) logits.push_back(net.forward(rgb, masks).logits.to(torch::kCPU, torch::kFloat32));
  });
  Validation result;
  if (!logits.empty()) result.logits = torch::cat(logits);
  if (sums) result.mean_mask = sums->mean(), result.mask_r2 = sums->r2();
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
