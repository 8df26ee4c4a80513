#include "augmentation.h"

#include <cmath>

#include <torch/nn/functional/upsampling.h>
#include <torch/nn/functional/vision.h>
#include <torch/types.h>

#include "runtime/device.h"

namespace fmpn::train {
namespace F = torch::nn::functional;
namespace {

/// Random draws for `n` pictures, all from one generator of the CPU, for pictures on `device`. At most one in an expression: which of two
/// comes first would be the compiler's choice.
struct Draws {
  int64_t n;
  Optional<at::Generator> generator;
  torch::Device device;
  torch::Tensor share() const { return queued_copy(torch::rand({n}, generator), device); }
  torch::Tensor uniform(double low, double high) const { return share() * (high - low) + low; }
  torch::Tensor chance(double p) const { return share() < p; }
  torch::Tensor normal(at::IntArrayRef shape) const { return queued_copy(torch::randn(shape, generator), device); }
  /// n int64 in [0, end), on the CPU.
  torch::Tensor choice(int64_t end) const { return torch::randint(end, {n}, generator); }
};

torch::Tensor per_image(const torch::Tensor& values) { return values.view({-1, 1, 1, 1}); }

/// Cuts an S×S window out of each picture, turned, scaled, shifted and flipped at random.
torch::Tensor jitter(const torch::Tensor& stack, int input_size, const Draws& draw) {
  const int64_t n = stack.size(0);
  const double window = static_cast<double>(input_size) / static_cast<double>(stack.size(-1));
  const auto angle = draw.uniform(-15, 15) * (M_PI / 180);
  const auto zoom = draw.uniform(0.86, 1.16) * window;
  const auto flip = 1 - 2 * draw.chance(0.5).to(torch::kFloat32);
  const auto shift_x = draw.uniform(-0.13, 0.13);
  const auto shift_y = draw.uniform(-0.13, 0.13);
  const auto row_x = torch::stack({zoom * angle.cos() * flip, -zoom * angle.sin(), shift_x}, 1);
  const auto row_y = torch::stack({zoom * angle.sin() * flip, zoom * angle.cos(), shift_y}, 1);
  const auto grid = F::affine_grid(torch::stack({row_x, row_y}, 1), {n, stack.size(1), input_size, input_size}, false);
  return F::grid_sample(stack, grid, F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kBorder).align_corners(false));
}

torch::Tensor five_crop(const torch::Tensor& stack, int input_size, const Draws& draw) {
  const int64_t n = stack.size(0);
  const int64_t room = stack.size(-1) - input_size;
  const auto choice = draw.choice(5);
  const auto flip = torch::rand({n}, draw.generator) < 0.5;
  std::vector<torch::Tensor> cut;
  for (int64_t i = 0; i < n; ++i) {
    const auto c = choice[i].item<int64_t>();
    const int64_t y = c == 4 ? room / 2 : (c / 2) * room;
    const int64_t x = c == 4 ? room / 2 : (c % 2) * room;
    const auto window = stack[i].narrow(1, y, input_size).narrow(2, x, input_size);
    cut.push_back(flip[i].item<bool>() ? window.flip(2) : window);
  }
  return torch::stack(cut);
}

/// Light and contrast, a camera's or a small picture's resolution, sensor noise, and a hidden patch.
torch::Tensor degrade(torch::Tensor x, const Draws& draw) {
  const int64_t n = x.size(0);
  const int64_t side = x.size(-1);
  const auto mean = x.mean({1, 2, 3}, true);
  const auto contrast = draw.uniform(0.7, 1.3);
  const auto light = draw.uniform(-0.15, 0.15);
  x = (x - mean) * per_image(contrast) + mean + per_image(light);
  x = x.clamp(0, 1).pow(per_image(draw.uniform(0.8, 1.25)));

  const auto small_side = torch::randint(side / 2, side * 5 / 6, {1}, draw.generator).item<int64_t>();
  const auto resized = [](const torch::Tensor& t, int64_t to) {
    return F::interpolate(t, F::InterpolateFuncOptions().size(std::vector<int64_t>{to, to}).mode(torch::kBilinear).align_corners(false));
  };
  x = torch::where(per_image(draw.chance(0.15)), resized(resized(x, small_side), side), x);
  const auto noise = draw.normal({n, 1, side, side});
  const auto strength = draw.uniform(0, 0.03);
  x = x + noise * per_image(strength * draw.chance(0.4));

  const auto at = torch::arange(side, x.options());
  const auto top = draw.uniform(0, 0.9) * side, left = draw.uniform(0, 0.9) * side;
  const auto height = draw.uniform(0.1, 0.4) * side, width = draw.uniform(0.1, 0.4) * side;
  const auto rows = (at.view({1, -1}) >= top.view({-1, 1})) & (at.view({1, -1}) < (top + height).view({-1, 1}));
  const auto columns = (at.view({1, -1}) >= left.view({-1, 1})) & (at.view({1, -1}) < (left + width).view({-1, 1}));
  const auto patch = rows.unsqueeze(2) & columns.unsqueeze(1) & draw.chance(0.25).view({-1, 1, 1});
  const auto shade = draw.share();
  return torch::where(patch.unsqueeze(1), per_image(shade), x).clamp(0, 1);
}

}  // namespace

Batch augment(const torch::Tensor& crops, const torch::Tensor& masks, int input_size, const std::string& kind,
              const Optional<at::Generator>& generator) {
  TORCH_CHECK(crops.dim() == 4 && crops.scalar_type() == torch::kUInt8 && masks.size(0) == crops.size(0) &&
                  masks.size(-1) == crops.size(-1) && crops.size(-1) >= input_size,
              "augment takes N×C×H×H uint8 crops and N×1×H×H masks with H ≥ S, got ", crops.sizes(), " and ", masks.sizes());
  const int64_t planes = crops.size(1);
  const Draws draw{crops.size(0), generator, crops.device()};
  torch::Tensor stack = torch::cat({crops.to(torch::kFloat32) / 255, masks}, 1);
  if (kind == "robust") {
    stack = jitter(stack, input_size, draw);
  } else if (kind == "five-crop") {
    stack = five_crop(stack, input_size, draw);
  } else {
    const int64_t offset = (stack.size(-1) - input_size) / 2;
    stack = stack.narrow(2, offset, input_size).narrow(3, offset, input_size);
  }
  torch::Tensor face = stack.narrow(1, 0, planes);
  if (kind == "robust") face = degrade(face, draw);
  if (planes == 1) face = face.expand({-1, 3, -1, -1});
  return {face.contiguous(), stack.narrow(1, planes, 1).contiguous()};
}

}  // namespace fmpn::train
