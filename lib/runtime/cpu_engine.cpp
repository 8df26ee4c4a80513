#include "runtime/engines.h"

#include <algorithm>
#include <cstdlib>
#include <future>

#include <omp.h>
#include <torch/types.h>

#include <fmpn/error.h>

#include "runtime/compiled_net.h"
#include "runtime/crop_pixels.h"
#include "runtime/net_plan.h"
#include "runtime/one_error.h"

namespace fmpn {
namespace {

/// A narrower generator costs little beside the CN: it stays in single precision whatever the CN's, and its masks are exact.
constexpr int kWideFmg = 32;

/// What a net does does not depend on the size of its pictures, so small ones do for writing it down.
LayerGraph layers_of(const TensorFunction& net, const std::vector<NetInput>& inputs, std::int64_t traced_side) {
  std::vector<torch::Tensor> examples;
  for (const NetInput& input : inputs) examples.push_back(torch::zeros({1, input.channels, traced_side, traced_side}, torch::kFloat32));
  LayerGraph graph = trace_layers(net, examples);
  fuse_layers(graph);
  return graph;
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(OpenModel model, Precision precision, int threads) : info_(std::move(model.info)), precision_(precision) {
    for (auto& parameter : model.net->parameters()) parameter.set_requires_grad(false);
    const std::int64_t side = info_.input_size, fmg_side = 8 + side % 4,
                       head_side = std::min<std::int64_t>(side, info_.cn == "inception_v3" ? 75 : 32);
    LayerGraph fmg, head;
    std::vector<NetInput> faces{{side, 3}};
    if (info_.uses_masks) {
      faces.push_back({side, 1});
      fmg = layers_of([net = model.net](const auto& in) mutable { return net->fmg->forward(in[0]); }, {{side, 1}}, fmg_side);
      head = layers_of([net = model.net](const auto& in) mutable { return net->cn->forward(net->pfn->forward(in[0], in[1])); }, faces,
                       head_side);
    } else {
      head = layers_of([net = model.net](const auto& in) mutable { return net->cn->forward(in[0]); }, faces, head_side);
    }
    const auto memory = std::make_shared<WorkingMemory>();
    const bool bf16 = precision == Precision::kBf16;
    if (info_.uses_masks)
      fmg_ = std::make_unique<CompiledNet>(std::move(fmg), model.numbers_of, std::vector<NetInput>{{side, 1}},
                                           bf16 && info_.fmg_width >= kWideFmg, threads, memory);
    head_ = std::make_unique<CompiledNet>(std::move(head), model.numbers_of, faces, bf16, threads, memory);
  }

  const ModelInfo& info() const override { return info_; }
  Precision precision() const override { return precision_; }

  std::vector<MotionMask> generate_masks(const std::vector<ImageView>& crops) const override {
    require_masks(info_);
    if (crops.empty()) return {};
    return one_error([&] { return split_masks(masks_of(luma_of(crop_pixels(crops, info_)), crops.size()), info_); });
  }

  std::vector<Expression> classify(const std::vector<ImageView>& crops) const override {
    if (crops.empty()) return {};
    return one_error([&] {
      auto rgb = crop_pixels(crops, info_);
      if (!info_.uses_masks) return expressions_of(logits_of(std::move(rgb), {}, crops.size()), {}, info_);
      auto gray = luma_of(rgb);
      const auto masks = masks_of(gray, crops.size());
      return named(std::move(rgb), std::move(gray), masks, crops.size());
    });
  }

  std::vector<Expression> classify(const std::vector<ImageView>& crops, const std::vector<MotionMask>& masks) const override {
    require_masks(info_);
    const auto values = joined_masks(masks, crops.size(), info_);
    if (crops.empty()) return {};
    return one_error([&] {
      auto rgb = crop_pixels(crops, info_);
      auto gray = luma_of(rgb);
      return named(std::move(rgb), std::move(gray), values, crops.size());
    });
  }

 private:
  std::vector<float> masks_of(const std::vector<float>& gray, std::size_t n) const {
    return fmg_->run(static_cast<std::int64_t>(n), {gray.data()});
  }

  std::vector<Expression> named(std::vector<float> rgb, std::vector<float> gray, const std::vector<float>& masks, std::size_t n) const {
    for (std::size_t i = 0; i < gray.size(); ++i) gray[i] *= masks[i];
    return expressions_of(logits_of(std::move(rgb), std::move(gray), n), masks, info_);
  }

  /// `masked`: mask × luma; empty for the baseline.
  std::vector<float> logits_of(std::vector<float> rgb, std::vector<float> masked, std::size_t n) const {
    if (info_.mirror_average) {
      append_mirrored(rgb, info_.input_size, 3);
      append_mirrored(masked, info_.input_size, 1);
    }
    std::vector<const float*> inputs{rgb.data()};
    if (!masked.empty()) inputs.push_back(masked.data());
    std::vector<float> logits = head_->run(static_cast<std::int64_t>(info_.mirror_average ? 2 * n : n), inputs);
    if (!info_.mirror_average) return logits;
    const std::size_t half = logits.size() / 2;
    for (std::size_t i = 0; i < half; ++i) logits[i] = (logits[i] + logits[half + i]) / 2;
    logits.resize(half);
    return logits;
  }

  ModelInfo info_;
  Precision precision_;
  std::unique_ptr<CompiledNet> fmg_;   ///< gray → mask
  std::unique_ptr<CompiledNet> head_;  ///< face and masked face, or face alone → logits
};

}  // namespace

int default_threads() {
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  const int number = wanted == nullptr ? 0 : std::atoi(wanted);
  return number > 0 ? std::min(number, kMostThreads) : omp_get_num_procs();
}

bool cpu_has_bfloat16() {
  const auto bits = [](dnnl::cpu_isa isa) { return static_cast<unsigned>(isa); };
  const unsigned wanted = bits(dnnl::cpu_isa::avx512_core_bf16);
  return (bits(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

std::shared_ptr<const Engine> make_cpu_engine(OpenModel model, Precision precision, int threads) {
  if (precision == Precision::kBf16 && !cpu_has_bfloat16())
    throw Error(ErrorCode::kBadSetting, "precision bf16: this CPU has no bfloat16 instructions");
  // In a thread that ends with it. libgomp keeps helpers for every thread that has used it, and lets all wait less eagerly where they are
  // more than the processors: left with whoever loads, those would slow down the thread that classifies.
  return std::async(std::launch::async, [&] { return std::make_shared<CpuEngine>(std::move(model), precision, threads); }).get();
}

}  // namespace fmpn
