#include "nn/fmpn_net.h"

#include <torch/nn/init.h>

#include <fmpn/error.h>

namespace fmpn {

FmpnNetImpl::FmpnNetImpl(const ModelInfo& info) : uses_masks(info.uses_masks), mirror_average(info.mirror_average) {
  if (uses_masks) {
    fmg = register_module("resface", Fmg(FmgOptions(info.input_size, info.fmg_width)));
    pfn = register_module("fusion", Pfn());
  }
  cn = register_module("cls", make_classification_net({info.cn, static_cast<int64_t>(info.classes.size()),
                                                       info.cn_width, info.cn_stem}));
  if (info.input_size < cn->smallest_side())
    throw Error(ErrorCode::kBadSetting, "input size " + std::to_string(info.input_size) + ": " + info.cn + " takes " +
                                            std::to_string(cn->smallest_side()) + " and more");
}

FmpnNetImpl::Output FmpnNetImpl::forward(const torch::Tensor& rgb, const torch::Tensor& given) {
  torch::Tensor mask, masked;
  if (uses_masks) {
    const torch::Tensor gray = luma(rgb);
    mask = given.defined() ? given : fmg->forward(gray);
    masked = mask * gray;
  }
  torch::Tensor logits = logits_of(rgb, masked);
  if (mirror_average && !is_training()) logits = (logits + logits_of(rgb.flip(3), masked.defined() ? masked.flip(3) : masked)) / 2;
  return {logits, mask};
}

torch::Tensor FmpnNetImpl::logits_of(const torch::Tensor& rgb, const torch::Tensor& masked) {
  return cn->forward(masked.defined() ? pfn->forward(rgb, masked) : rgb);
}

torch::Tensor FmpnNetImpl::generate_mask(const torch::Tensor& rgb) { return fmg->forward(luma(rgb)); }

torch::Tensor luma(const torch::Tensor& rgb) {
  TORCH_CHECK(rgb.dim() == 4 && rgb.size(1) == 3, "luma takes N×3×H×W, got ", rgb.sizes());
  return 0.299 * rgb.narrow(1, 0, 1) + 0.587 * rgb.narrow(1, 1, 1) + 0.114 * rgb.narrow(1, 2, 1);
}

void lay_channels_last(torch::nn::Module& module) {
  for (auto& parameter : module.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

namespace {

bool is_batch_norm(const torch::nn::Module& module) { return module.as<torch::nn::BatchNorm2dImpl>() != nullptr; }

template <typename Draw>
void initialise(torch::nn::Module& root, double bn_deviation, Draw draw) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : root.modules()) {
    for (auto& item : module->named_parameters(/*recurse=*/false)) {
      torch::Tensor& value = item.value();
      if (is_batch_norm(*module)) {
        if (item.key() == "weight") value.normal_(1, bn_deviation);
        else value.zero_();
      } else if (item.key() == "bias") {
        value.zero_();
      } else if (value.dim() >= 2) {
        draw(value);
      }
    }
  }
}

}  // namespace

void initialise_as_published(torch::nn::Module& module) {
  initialise(module, 0.02, [](torch::Tensor& weight) { torch::nn::init::xavier_normal_(weight, 0.02); });
}

void initialise_for_scratch(torch::nn::Module& module) {
  initialise(module, 0, [](torch::Tensor& weight) {
    if (weight.dim() == 2) weight.normal_(0, 0.01);
    else torch::nn::init::kaiming_normal_(weight, 0, torch::kFanOut, torch::kReLU);
  });
}

}  // namespace fmpn
