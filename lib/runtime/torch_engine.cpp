#include "runtime/engines.h"

#include <torch/types.h>

#include <fmpn/error.h>

#include "runtime/crop_pixels.h"
#include "runtime/device.h"
#include "runtime/one_error.h"

namespace fmpn {
namespace {

std::vector<float> floats_of(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

class TorchEngine final : public Engine {
 public:
  TorchEngine(LoadedModel model, const torch::Device& device, Precision precision)
      : model_(std::move(model)), device_(device), precision_(precision) {
    use_exact_cuda(device_);
    model_.net->to(device_, type());
    lay_channels_last(*model_.net);
  }

  const ModelInfo& info() const override { return model_.info; }
  Precision precision() const override { return precision_; }

  std::vector<MotionMask> generate_masks(const std::vector<ImageView>& crops) const override {
    require_masks(info());
    if (crops.empty()) return {};
    return one_error([&] {
      const torch::InferenceMode inference;
      return split_masks(floats_of(net().generate_mask(input(crops))), info());
    });
  }

  std::vector<Expression> classify(const std::vector<ImageView>& crops) const override { return run(crops, {}); }

  std::vector<Expression> classify(const std::vector<ImageView>& crops, const std::vector<MotionMask>& masks) const override {
    require_masks(info());
    return run(crops, joined_masks(masks, crops.size(), info()));
  }

 private:
  torch::ScalarType type() const { return precision_ == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32; }
  // forward() of an eval-mode module changes nothing; torch merely does not say so with const.
  FmpnNetImpl& net() const { return const_cast<FmpnNetImpl&>(*model_.net); }

  torch::Tensor input(const std::vector<ImageView>& crops) const {
    std::vector<float> pixels = crop_pixels(crops, info());
    const int64_t side = info().input_size;
    const auto view =
        torch::from_blob(pixels.data(), {static_cast<int64_t>(crops.size()), side, side, 3}, torch::kFloat32).permute({0, 3, 1, 2});
    return view.to(device_, type(), false, /*copy=*/true).contiguous(torch::MemoryFormat::ChannelsLast);
  }

  /// `masks`: N×S×S, or none.
  std::vector<Expression> run(const std::vector<ImageView>& crops, std::vector<float> masks) const {
    if (crops.empty()) return {};
    return one_error([&] {
      const torch::InferenceMode inference;
      torch::Tensor mask;
      const int64_t side = info().input_size;
      if (!masks.empty())
        mask = torch::from_blob(masks.data(), {static_cast<int64_t>(crops.size()), 1, side, side}, torch::kFloat32)
                   .to(device_, type(), false, /*copy=*/true);
      const auto output = net().forward(input(crops), mask);
      return expressions_of(floats_of(output.logits), output.mask.defined() ? floats_of(output.mask) : std::vector<float>(), info());
    });
  }

  LoadedModel model_;
  torch::Device device_;
  Precision precision_;
};

}  // namespace

std::shared_ptr<const Engine> make_torch_engine(LoadedModel model, const torch::Device& device, Precision precision) {
  return std::make_shared<TorchEngine>(std::move(model), device, precision);
}

}  // namespace fmpn
