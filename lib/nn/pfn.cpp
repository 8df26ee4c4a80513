#include "nn/pfn.h"

#include "nn/in_place_relu.h"

namespace fmpn {
namespace nn = torch::nn;
namespace {

nn::Conv2d conv3(int64_t in, int64_t out) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1).bias(false));
}

}  // namespace

PfnImpl::PfnImpl()
    : process_a(register_module("process_a", nn::Sequential(conv3(3, 3), nn::BatchNorm2d(3), in_place_relu()))),
      process_b(register_module("process_b", nn::Sequential(conv3(1, 3), nn::BatchNorm2d(3), in_place_relu()))),
      model(register_module("model", nn::Sequential(ResidualBlock(3), conv3(3, 3), nn::Sigmoid()))) {}

torch::Tensor PfnImpl::forward(const torch::Tensor& rgb, const torch::Tensor& masked_gray) {
  return model->forward(process_a->forward(rgb) + process_b->forward(masked_gray));
}

void start_near_identity(PfnImpl& pfn) {
  const torch::NoGradGuard no_grad;
  auto parameters = pfn.named_parameters();
  const auto copy_centre = [&](const char* key, double gain = 1) {
    torch::Tensor weight = parameters[key];
    for (int64_t out = 0; out < weight.size(0); ++out) weight[out][std::min(out, weight.size(1) - 1)][1][1] += gain;
  };
  copy_centre("process_a.0.weight");
  copy_centre("process_b.0.weight");
  copy_centre("model.1.weight", 2);
  // Two deviations above 0: the ReLUs cut next to nothing off, and so can't close before anything is learnt.
  parameters["process_a.1.weight"].fill_(0.5);
  parameters["process_a.1.bias"].fill_(1.0);
  parameters["process_b.1.weight"].fill_(0.25);
  parameters["process_b.1.bias"].fill_(0.5);
  // The residual block only takes the sum's mean off, so that the sigmoid is where it is steep, and the fused face has a face's contrast:
  // beside a pale one the zeros that CN pads it with would be its strongest edge.
  parameters["model.0.conv_block.4.weight"].fill_(0.0);
  parameters["model.0.conv_block.4.bias"].fill_(-1.5);
  parameters["model.0.conv_block.5.weight"].fill_(1.0);
}

}  // namespace fmpn
