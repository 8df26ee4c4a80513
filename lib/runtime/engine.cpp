#include <fmpn/engine.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>

#include <torch/torch.h>

#include <fmpn/error.h>

#include "runtime/crop_tensor.h"
#include "runtime/device.h"
#include "runtime/model_file.h"

namespace fmpn {
namespace {

/// Turns what torch throws into the library's one exception type.
template <typename F>
auto wrapped(const F& body) {
  try {
    return body();
  } catch (const c10::Error& fault) {
    throw Error(ErrorCode::kRuntime, fault.what_without_backtrace());
  }
}

class TorchEngine final : public Engine {
 public:
  TorchEngine(LoadedModel model, torch::Device device, Precision precision)
      : model_(std::move(model)), device_(device), precision_(precision) {
    model_.net->to(device_, type());
    for (auto& parameter : model_.net->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }

  const ModelInfo& info() const override { return model_.info; }
  Precision precision() const override { return precision_; }

  std::vector<MotionMask> generate_masks(const std::vector<ImageView>& crops) const override {
    if (!model_.info.uses_masks) throw Error(ErrorCode::kBadSetting, "model '" + model_.info.name + "' has no mask generator (baseline)");
    if (crops.empty()) return {};
    return wrapped([&] {
      const torch::InferenceMode inference;
      return to_masks(net().generate_mask(input(crops)));
    });
  }

  std::vector<Expression> classify(const std::vector<ImageView>& crops) const override { return run(crops, {}); }

  std::vector<Expression> classify(const std::vector<ImageView>& crops, const std::vector<MotionMask>& masks) const override {
    if (masks.size() != crops.size()) throw Error(ErrorCode::kBadSetting, "classify: one mask a crop is needed");
    const int side = model_.info.input_size;
    torch::Tensor given = torch::empty({static_cast<int64_t>(masks.size()), 1, side, side});
    float* out = given.data_ptr<float>();
    for (const MotionMask& mask : masks) {
      if (mask.side != side || mask.values.size() != static_cast<std::size_t>(side) * side)
        throw Error(ErrorCode::kBadSetting, "classify: a mask of side " + std::to_string(mask.side) + "; the model needs " + std::to_string(side));
      out = std::copy(mask.values.begin(), mask.values.end(), out);
    }
    return run(crops, given);
  }

 private:
  torch::ScalarType type() const { return precision_ == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32; }
  // forward() of an eval-mode module changes nothing; torch merely does not say so with const.
  FmpnNetImpl& net() const { return const_cast<FmpnNetImpl&>(*model_.net); }

  torch::Tensor input(const std::vector<ImageView>& crops) const {
    return crops_to_tensor(crops, model_.info).to(device_, type()).contiguous(torch::MemoryFormat::ChannelsLast);
  }

  static std::vector<MotionMask> to_masks(const torch::Tensor& batch) {
    const torch::Tensor masks = batch.to(torch::kCPU, torch::kFloat32).contiguous();
    const auto side = static_cast<int>(masks.size(-1));
    const float* values = masks.data_ptr<float>();
    std::vector<MotionMask> result;
    for (int64_t i = 0; i < masks.size(0); ++i, values += side * side) result.push_back({{values, values + side * side}, side});
    return result;
  }

  std::vector<Expression> run(const std::vector<ImageView>& crops, const torch::Tensor& given) const {
    if (crops.empty()) return {};
    return wrapped([&] {
      const torch::InferenceMode inference;
      const torch::Tensor mask = given.defined() ? given.to(device_, type()) : given;
      const auto output = net().forward(input(crops), mask);
      const torch::Tensor logits = output.logits.to(torch::kCPU, torch::kFloat32).contiguous();
      const torch::Tensor probabilities = torch::softmax(logits / model_.info.temperature, 1).contiguous();
      std::vector<MotionMask> masks(crops.size());
      if (output.mask.defined()) masks = to_masks(output.mask);
      const int64_t classes = logits.size(1);
      std::vector<Expression> result(crops.size());
      for (std::size_t i = 0; i < crops.size(); ++i) {
        const float* l = logits.data_ptr<float>() + static_cast<int64_t>(i) * classes;
        const float* p = probabilities.data_ptr<float>() + static_cast<int64_t>(i) * classes;
        result[i] = {{l, l + classes}, {p, p + classes}, static_cast<int>(std::max_element(p, p + classes) - p), std::move(masks[i])};
      }
      return result;
    });
  }

  LoadedModel model_;
  torch::Device device_;
  Precision precision_;
};

}  // namespace

float entropy_bits(const std::vector<float>& probabilities) {
  double bits = 0;
  for (const float p : probabilities)
    if (p > 0) bits -= p * std::log2(p);
  return static_cast<float>(bits);
}

std::string default_model() {
  if (const char* path = std::getenv("FMPN_MODEL"); path != nullptr && *path != '\0') return path;
  return FMPN_INSTALLED_MODEL;
}

std::shared_ptr<const Engine> Engine::load(const std::string& path, const EngineOptions& options) {
  // A file that was replaced in the meantime is another model: its size and time are part of the key.
  std::error_code missing;
  const auto time = std::filesystem::last_write_time(path, missing).time_since_epoch().count();
  if (missing) throw Error(ErrorCode::kNotFound, path + ": no such model file");
  const auto size = std::filesystem::file_size(path, missing);
  if (missing) throw Error(ErrorCode::kBadFormat, path + ": not a model file");
  using Key = std::tuple<std::string, std::int64_t, std::uintmax_t, std::string, Precision>;
  static std::mutex mutex;  // guards `loaded`; held while loading, so that two streams don't load one file twice
  static std::map<Key, std::weak_ptr<const Engine>> loaded;
  const std::lock_guard lock(mutex);
  const Key key{path, time, size, options.device, options.precision};
  if (auto engine = loaded[key].lock()) return engine;
  const Precision precision = options.precision == Precision::kAuto ? Precision::kFp32 : options.precision;
  auto engine = wrapped([&] { return std::make_shared<TorchEngine>(load_model(path), parse_device(options.device), precision); });
  loaded[key] = engine;
  return engine;
}

}  // namespace fmpn
