#include <fmpn/engine.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>

#include <torch/torch.h>

#include <fmpn/error.h>

#include "runtime/device.h"
#include "runtime/engines.h"
#include "runtime/model_file.h"
#include "runtime/one_error.h"

namespace fmpn {
namespace {

/// bfloat16 is taken of its own accord only for a model of which it is known that its answers stay what they are.
Precision chosen(const EngineOptions& options, const torch::Device& device, const ModelInfo& info) {
  constexpr double kAgreement = 0.995;       // of the labels
  constexpr double kMaskDifference = 0.03;   // between two values of a mask
  if (options.precision != Precision::kAuto) return options.precision;
  const auto measured = [&](const char* key, double otherwise) {
    const auto found = info.provenance.find(key);
    return found == info.provenance.end() || found->second.empty() ? otherwise : std::strtod(found->second.c_str(), nullptr);
  };
  const bool agrees = measured("bf16_agreement", 0) >= kAgreement && measured("bf16_mask_difference", 1) <= kMaskDifference;
  return agrees && device.is_cpu() && cpu_has_bfloat16() ? Precision::kBf16 : Precision::kFp32;
}

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
  if (options.threads < 0) throw Error(ErrorCode::kBadSetting, "threads must not be negative");
  // A file that was replaced in the meantime is another model: its size and time are part of the key.
  std::error_code missing;
  const auto time = std::filesystem::last_write_time(path, missing).time_since_epoch().count();
  if (missing) throw Error(ErrorCode::kNotFound, path + ": no such model file");
  const auto size = std::filesystem::file_size(path, missing);
  if (missing) throw Error(ErrorCode::kBadFormat, path + ": not a model file");
  using Key = std::tuple<std::string, std::int64_t, std::uintmax_t, std::string, Precision, int>;
  static std::mutex mutex;  // guards `loaded`; held while loading, so that two streams don't load one file twice
  static std::map<Key, std::weak_ptr<const Engine>> loaded;
  const std::lock_guard lock(mutex);
  const Key key{path, time, size, options.device, options.precision, options.threads};
  for (auto item = loaded.begin(); item != loaded.end();) item = item->second.expired() ? loaded.erase(item) : std::next(item);
  if (const auto found = loaded.find(key); found != loaded.end())
    if (auto engine = found->second.lock()) return engine;
  auto engine = one_error([&] {
    const torch::Device device = parse_device(options.device);
    OpenModel model = open_model(path);
    const Precision precision = chosen(options, device, model.info);
    return device.is_cpu() ? make_cpu_engine(std::move(model), precision, options.threads)
                           : make_torch_engine(read_all(std::move(model)), device, precision);
  });
  loaded[key] = engine;
  return engine;
}

}  // namespace fmpn
