#include "nn/inception_v3.h"

#include <vector>

#include "nn/in_place_relu.h"

namespace fmpn {
namespace nn = torch::nn;
namespace {

using Size = torch::ExpandingArray<2>;
using Tensors = std::vector<torch::Tensor>;

/// conv (no bias) · BN (eps 1e-3) · ReLU
struct ConvUnitImpl : nn::Module {
  ConvUnitImpl(int64_t in, int64_t out, Size kernel, Size stride = 1, Size padding = 0)
      : conv(register_module("conv",
                             nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false)))),
        bn(register_module("bn", nn::BatchNorm2d(nn::BatchNorm2dOptions(out).eps(1e-3)))) {}
  torch::Tensor forward(const torch::Tensor& x) { return in_place_relu(bn(conv(x))); }
  nn::Conv2d conv;
  nn::BatchNorm2d bn;
};
TORCH_MODULE(ConvUnit);

const Size k1x7{{1, 7}}, k7x1{{7, 1}}, k1x3{{1, 3}}, k3x1{{3, 1}}, p0x3{{0, 3}}, p3x0{{3, 0}}, p0x1{{0, 1}}, p1x0{{1, 0}};

torch::Tensor pooled(const torch::Tensor& x) { return torch::avg_pool2d(x, 3, 1, 1); }
torch::Tensor halved(const torch::Tensor& x) { return torch::max_pool2d(x, 3, 2); }

struct InceptionAImpl : nn::Module {
  InceptionAImpl(int64_t in, int64_t pool)
      : b1(register_module("branch1x1", ConvUnit(in, 64, 1))),
        b5_1(register_module("branch5x5_1", ConvUnit(in, 48, 1))),
        b5_2(register_module("branch5x5_2", ConvUnit(48, 64, 5, 1, 2))),
        b3_1(register_module("branch3x3dbl_1", ConvUnit(in, 64, 1))),
        b3_2(register_module("branch3x3dbl_2", ConvUnit(64, 96, 3, 1, 1))),
        b3_3(register_module("branch3x3dbl_3", ConvUnit(96, 96, 3, 1, 1))),
        bp(register_module("branch_pool", ConvUnit(in, pool, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::cat(Tensors{b1(x), b5_2(b5_1(x)), b3_3(b3_2(b3_1(x))), bp(pooled(x))}, 1);
  }
  ConvUnit b1, b5_1, b5_2, b3_1, b3_2, b3_3, bp;
};
TORCH_MODULE(InceptionA);

struct InceptionBImpl : nn::Module {
  explicit InceptionBImpl(int64_t in)
      : b3(register_module("branch3x3", ConvUnit(in, 384, 3, 2))),
        d1(register_module("branch3x3dbl_1", ConvUnit(in, 64, 1))),
        d2(register_module("branch3x3dbl_2", ConvUnit(64, 96, 3, 1, 1))),
        d3(register_module("branch3x3dbl_3", ConvUnit(96, 96, 3, 2))) {}
  torch::Tensor forward(const torch::Tensor& x) { return torch::cat(Tensors{b3(x), d3(d2(d1(x))), halved(x)}, 1); }
  ConvUnit b3, d1, d2, d3;
};
TORCH_MODULE(InceptionB);

struct InceptionCImpl : nn::Module {
  InceptionCImpl(int64_t in, int64_t c)
      : b1(register_module("branch1x1", ConvUnit(in, 192, 1))),
        s1(register_module("branch7x7_1", ConvUnit(in, c, 1))),
        s2(register_module("branch7x7_2", ConvUnit(c, c, k1x7, 1, p0x3))),
        s3(register_module("branch7x7_3", ConvUnit(c, 192, k7x1, 1, p3x0))),
        d1(register_module("branch7x7dbl_1", ConvUnit(in, c, 1))),
        d2(register_module("branch7x7dbl_2", ConvUnit(c, c, k7x1, 1, p3x0))),
        d3(register_module("branch7x7dbl_3", ConvUnit(c, c, k1x7, 1, p0x3))),
        d4(register_module("branch7x7dbl_4", ConvUnit(c, c, k7x1, 1, p3x0))),
        d5(register_module("branch7x7dbl_5", ConvUnit(c, 192, k1x7, 1, p0x3))),
        bp(register_module("branch_pool", ConvUnit(in, 192, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::cat(Tensors{b1(x), s3(s2(s1(x))), d5(d4(d3(d2(d1(x))))), bp(pooled(x))}, 1);
  }
  ConvUnit b1, s1, s2, s3, d1, d2, d3, d4, d5, bp;
};
TORCH_MODULE(InceptionC);

struct InceptionDImpl : nn::Module {
  explicit InceptionDImpl(int64_t in)
      : t1(register_module("branch3x3_1", ConvUnit(in, 192, 1))),
        t2(register_module("branch3x3_2", ConvUnit(192, 320, 3, 2))),
        s1(register_module("branch7x7x3_1", ConvUnit(in, 192, 1))),
        s2(register_module("branch7x7x3_2", ConvUnit(192, 192, k1x7, 1, p0x3))),
        s3(register_module("branch7x7x3_3", ConvUnit(192, 192, k7x1, 1, p3x0))),
        s4(register_module("branch7x7x3_4", ConvUnit(192, 192, 3, 2))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::cat(Tensors{t2(t1(x)), s4(s3(s2(s1(x)))), halved(x)}, 1);
  }
  ConvUnit t1, t2, s1, s2, s3, s4;
};
TORCH_MODULE(InceptionD);

struct InceptionEImpl : nn::Module {
  explicit InceptionEImpl(int64_t in)
      : b1(register_module("branch1x1", ConvUnit(in, 320, 1))),
        t1(register_module("branch3x3_1", ConvUnit(in, 384, 1))),
        t2a(register_module("branch3x3_2a", ConvUnit(384, 384, k1x3, 1, p0x1))),
        t2b(register_module("branch3x3_2b", ConvUnit(384, 384, k3x1, 1, p1x0))),
        d1(register_module("branch3x3dbl_1", ConvUnit(in, 448, 1))),
        d2(register_module("branch3x3dbl_2", ConvUnit(448, 384, 3, 1, 1))),
        d3a(register_module("branch3x3dbl_3a", ConvUnit(384, 384, k1x3, 1, p0x1))),
        d3b(register_module("branch3x3dbl_3b", ConvUnit(384, 384, k3x1, 1, p1x0))),
        bp(register_module("branch_pool", ConvUnit(in, 192, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor t = t1(x), d = d2(d1(x));
    return torch::cat(Tensors{b1(x), t2a(t), t2b(t), d3a(d), d3b(d), bp(pooled(x))}, 1);
  }
  ConvUnit b1, t1, t2a, t2b, d1, d2, d3a, d3b, bp;
};
TORCH_MODULE(InceptionE);

/// Registers each of the modules under torchvision's flat name on `owner` and chains them.
template <typename... M>
nn::Sequential chain(nn::Module& owner, std::initializer_list<const char*> names, const M&... modules) {
  nn::Sequential sequence;
  auto name = names.begin();
  ((owner.register_module(*name++, modules), sequence->push_back(modules)), ...);
  return sequence;
}

}  // namespace

InceptionV3Impl::InceptionV3Impl(int64_t classes)
    : stem_a_(chain(*this, {"Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"}, ConvUnit(3, 32, 3, 2),
                    ConvUnit(32, 32, 3), ConvUnit(32, 64, 3, 1, 1))),
      stem_b_(chain(*this, {"Conv2d_3b_1x1", "Conv2d_4a_3x3"}, ConvUnit(64, 80, 1), ConvUnit(80, 192, 3))),
      blocks_(chain(*this,
                    {"Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e",
                     "Mixed_7a", "Mixed_7b", "Mixed_7c"},
                    InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64), InceptionB(288), InceptionC(768, 128),
                    InceptionC(768, 160), InceptionC(768, 160), InceptionC(768, 192), InceptionD(768), InceptionE(1280),
                    InceptionE(2048))),
      fc_(register_module("fc", nn::Linear(2048, classes))) {}

torch::Tensor InceptionV3Impl::forward(const torch::Tensor& rgb) {
  TORCH_CHECK(rgb.dim() == 4 && rgb.size(1) == 3 && rgb.size(2) >= smallest_side() && rgb.size(3) >= smallest_side(),
              "Inception V3 takes N×3×S×S with S ≥ ", smallest_side(), ", got ", rgb.sizes());
  const auto scale = torch::tensor({0.458F, 0.448F, 0.45F}, rgb.options()).view({1, 3, 1, 1});
  const auto shift = torch::tensor({-0.030F, -0.088F, -0.188F}, rgb.options()).view({1, 3, 1, 1});
  torch::Tensor x = stem_a_->forward(rgb * scale + shift);
  x = stem_b_->forward(halved(x));
  x = blocks_->forward(halved(x));
  x = torch::dropout(torch::adaptive_avg_pool2d(x, {1, 1}), 0.5, is_training());
  return fc_(x.flatten(1));
}

}  // namespace fmpn
