#include "validation.h"

#include <algorithm>
#include <vector>

#include "augmentation.h"
#include "autocast.h"
#include "mask_scores.h"

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

MaskScores scores_against(const torch::Tensor& class_masks, int input_size) {
  const auto masks = class_masks.to(torch::kFloat32).contiguous();
  const float* values = masks.data_ptr<float>();
  return {{values, values + masks.numel()}, static_cast<std::size_t>(masks.size(0)), static_cast<int>(masks.size(-1)), input_size};
}

/// `masks`: of the faces of `labels` from `first` on.
void add(MaskScores& scores, const torch::Tensor& masks, const torch::Tensor& labels, int64_t first) {
  const auto drawn = masks.to(torch::kCPU, torch::kFloat32).contiguous();
  for (int64_t i = 0; i < drawn.size(0); ++i) {
    const float* values = drawn[i].data_ptr<float>();
    scores.add({values, values + drawn[i].numel()}, static_cast<std::size_t>(labels[first + i].item<int64_t>()));
  }
}

}  // namespace

double accuracy(const torch::Tensor& logits, const torch::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();
}

Validation validate(Judged judged, FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, int input_size, bool half) {
  TORCH_CHECK(data.size() > 0, "nothing to validate on");
  const Autocast autocast(half, net.parameters().front().device());
  std::optional<MaskScores> scores;
  if (net.uses_masks) scores = scores_against(class_masks, input_size);
  std::vector<torch::Tensor> logits;
  for_each_batch(net, data, input_size, [&](const torch::Tensor& rgb, int64_t first) {
    const auto masks = scores ? net.generate_mask(rgb) : torch::Tensor();
    if (scores) add(*scores, masks, data.labels, first);
    if (judged == Judged::kMasksAndLogits) logits.push_back(net.forward(rgb, masks).logits.to(torch::kCPU, torch::kFloat32));
  });
  Validation result;
  if (!logits.empty()) result.logits = torch::cat(logits);
  if (scores) {
    result.mean_mask = torch::tensor(scores->mean()).view({1, 1, input_size, input_size});
    result.mask_r2 = scores->r2();
  }
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
