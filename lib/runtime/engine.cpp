#include <fmpn/engine.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include <torch/types.h>

#include <fmpn/error.h>

#include "core/file_identity.h"
#include "runtime/device.h"
#include "runtime/engines.h"
#include "runtime/model_file.h"
#include "runtime/one_error.h"

namespace fmpn {
namespace {

/// The number that `text` is, whatever the locale; none where anything else stands there.
std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, number);
  return fault == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

/// bfloat16 is taken of its own accord only for a model of which it is known that its answers stay what they are.
Precision chosen(Precision wanted, const torch::Device& device, const std::string& path) {
  constexpr double kAgreement = 0.995;       // of the labels
  constexpr double kMaskDifference = 0.03;   // between two values of a mask
  if (wanted != Precision::kAuto) return wanted;
  const ModelInfo info = read_model_info(path);
  const auto measured = [&](const char* key) {
    const auto found = info.provenance.find(key);
    return found == info.provenance.end() ? std::nullopt : number_of(found->second);
  };
  const auto agreement = measured("bf16_agreement"), difference = measured("bf16_mask_difference");
  const bool agrees = agreement && *agreement >= kAgreement && difference && *difference <= kMaskDifference;
  return agrees && device.is_cpu() && cpu_has_bfloat16() ? Precision::kBf16 : Precision::kFp32;
}

}  // namespace

float entropy_bits(const std::vector<float>& probabilities) {
  double bits = 0;
  for (const float p : probabilities)
    if (p != 0) bits -= p * std::log2(p);  // what is no probability comes to no number
  return static_cast<float>(bits);
}

std::string default_model() {
  if (const char* path = std::getenv("FMPN_MODEL"); path != nullptr && *path != '\0') return path;
  return FMPN_INSTALLED_MODEL;
}

std::shared_ptr<const Engine> Engine::load(const std::string& path, const EngineOptions& options) {
  if (options.threads < 0 || options.threads > kMostThreads)
    throw Error(ErrorCode::kBadSetting, "threads " + std::to_string(options.threads) + " is not in 0…" + std::to_string(kMostThreads));
  const auto identity = identity_of(path);
  if (!identity) throw Error(ErrorCode::kNotFound, path + ": no such model file");
  std::error_code gone;
  if (std::filesystem::is_directory(path, gone)) throw Error(ErrorCode::kBadFormat, path + ": a folder, not a model file");
  // The key is what the options come to: two ways to ask for the same share one engine.
  using Key = std::tuple<FileIdentity, std::string, Precision, int>;
  static std::mutex mutex;  // guards `loaded`; held while loading, so that two streams don't load one file twice
  static std::map<Key, std::weak_ptr<const Engine>> loaded;
  const std::lock_guard lock(mutex);
  return one_error([&] {
    // Networks are built of it. Once they are, it may be what the program likes.
    if (torch::get_default_dtype() != caffe2::TypeMeta::Make<float>())
      throw Error(ErrorCode::kBadSetting, "torch::set_default_dtype: a model can be loaded while it is float");
    const torch::Device device = parse_device(options.device);
    const Precision precision = chosen(options.precision, device, path);
    const int threads = !device.is_cpu() ? 0 : options.threads > 0 ? options.threads : default_threads();
    const Key key{*identity, device.str(), precision, threads};
    for (auto item = loaded.begin(); item != loaded.end();) item = item->second.expired() ? loaded.erase(item) : std::next(item);
    if (const auto found = loaded.find(key); found != loaded.end())
      if (auto engine = found->second.lock()) return engine;
    OpenModel model = open_model(path);
    auto engine = device.is_cpu() ? make_cpu_engine(std::move(model), precision, threads)
                                  : make_torch_engine(read_all(std::move(model)), device, precision);
    loaded[key] = engine;
    return engine;
  });
}

}  // namespace fmpn
