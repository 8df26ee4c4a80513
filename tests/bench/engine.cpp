// The engine's side of the benchmark: reads one JSON object a line from standard input, does it, answers with one JSON object a line.
// The other side, eager.py, is spoken to in the same way, so that both take turns in processes of their own. The number of threads is
// OMP_NUM_THREADS.
//
//   {"do": "load", "as": NAME, "model": FILE, "precision": P}       seconds; the engine is held under NAME
//   {"do": "crops", "file": FILE, "side": S}                        RGB crops of S×S, 8 bits, one after the other, for what follows
//   {"do": "run", "name": NAME, "batch": N, "at_least": SECONDS}    seconds of one classify(), the mean over at least so long
//   {"do": "floor", "precision": P, "batch": N, "at_least": SECONDS}   FLOP/s of a 3×3 convolution of 256 channels on 74×74
//   {"do": "outputs", "name": NAME, "file": FILE}                   logits, then masks, of all crops as float32
//   {"do": "agree", "a": NAME, "b": NAME, "files": [CROP…]}         how many top labels are the same, how far masks lie apart
//   {"do": "memory", "reset": BOOL}                                 resident and peak memory in bytes; the peak starts anew with reset

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <fmpn/engine.h>
#include <fmpn/error.h>

namespace {

using namespace fmpn;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

/// The mean duration of body() over repetitions that together take `at_least` seconds, one at least.
template <typename F>
double mean_seconds(double at_least, const F& body) {
  const auto begun = Clock::now();
  int times = 0;
  do body(), ++times;
  while (seconds_since(begun) < at_least);
  return seconds_since(begun) / times;
}

Precision precision_of(const std::string& name) {
  if (name == "fp32") return Precision::kFp32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "auto") return Precision::kAuto;
  throw Error(ErrorCode::kBadSetting, "precision '" + name + "': fp32, bf16 and auto are known");
}

double status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key + ":", 0) == 0) return std::stod(line.substr(key.size() + 1)) * 1024;
  throw Error(ErrorCode::kRuntime, "/proc/self/status has no " + key);
}

class Bench {
 public:
  json answer(const json& order) {
    const std::string what = order.at("do");
    if (what == "load") return load(order);
    if (what == "crops") return crops(order);
    if (what == "run") return run(order);
    if (what == "floor") return floor_rate(order);
    if (what == "outputs") return outputs(order);
    if (what == "agree") return agree(order);
    if (what == "memory") return memory(order);
    throw Error(ErrorCode::kBadSetting, "no order '" + what + "'");
  }

 private:
  json load(const json& order) {
    const auto begun = Clock::now();
    const auto engine = Engine::load(order.at("model"), {"cpu", precision_of(order.at("precision"))});
    const double seconds = seconds_since(begun);
    bool shared = false;
    for (const auto& [name, other] : engines_) shared = shared || other == engine;
    engines_[order.at("as")] = engine;
    return {{"seconds", seconds}, {"shared", shared}, {"precision", engine->precision() == Precision::kBf16 ? "bf16" : "fp32"}};
  }

  json crops(const json& order) {
    const std::string path = order.at("file");
    const int side = order.at("side");
    const std::size_t size = static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3;
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::kNotFound, path + ": cannot be read");
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    crops_.clear();
    for (std::size_t at = 0; at + size <= bytes.size(); at += size)
      crops_.push_back({{bytes.begin() + at, bytes.begin() + at + size}, side, side, PixelFormat::kRgb8});
    return {{"count", crops_.size()}};
  }

  /// `count` crops, from the first again where there are fewer.
  std::vector<ImageView> batch(std::size_t count) const {
    if (crops_.empty()) throw Error(ErrorCode::kBadSetting, "no crops were given");
    std::vector<ImageView> views;
    for (std::size_t i = 0; i < count; ++i) views.push_back(crops_[i % crops_.size()].view());
    return views;
  }

  json run(const json& order) {
    const Engine& engine = *engines_.at(order.at("name"));
    const auto views = batch(order.at("batch"));
    return {{"seconds", mean_seconds(order.at("at_least"), [&] { engine.classify(views); })}};
  }

  // The faster of the two layouts that LibTorch runs oneDNN's kernels on: channels last, and oneDNN's own blocks.
  json floor_rate(const json& order) {
    const torch::InferenceMode inference;
    constexpr int64_t kChannels = 256, kSide = 74;
    const int64_t n = order.at("batch");
    const auto type = precision_of(order.at("precision")) == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
    auto& data = floor_data_[{static_cast<int>(type), n}];
    if (!data.x.defined()) {
      data.x = torch::rand({n, kChannels, kSide, kSide}).to(type).contiguous(torch::MemoryFormat::ChannelsLast);
      data.w = (torch::rand({kChannels, kChannels, 3, 3}) - 0.5).to(type).contiguous(torch::MemoryFormat::ChannelsLast);
      data.blocked = data.x.contiguous().to_mkldnn(type);
      data.blocked_w = torch::mkldnn_reorder_conv2d_weight(data.w.contiguous().to_mkldnn(type), {1, 1}, {1, 1}, {1, 1}, 1);
    }
    const double half = order.at("at_least").get<double>() / 2;
    const double last = mean_seconds(half, [&] { torch::conv2d(data.x, data.w, {}, 1, 1); });
    const double blocked = mean_seconds(half, [&] {
      torch::mkldnn_convolution(data.blocked, data.blocked_w, {}, {1, 1}, {1, 1}, {1, 1}, 1);
    });
    const double flop = 2.0 * 9 * kChannels * kChannels * kSide * kSide * static_cast<double>(n);
    return {{"flops", flop / std::min(last, blocked)}, {"channels_last", flop / last}, {"blocked", flop / blocked}};
  }

  json outputs(const json& order) {
    const auto results = engines_.at(order.at("name"))->classify(batch(crops_.size()));
    std::ofstream file(order.at("file").get<std::string>(), std::ios::binary);
    const auto put = [&](const std::vector<float>& values) {
      file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
    };
    for (const Expression& one : results) put(one.logits);
    for (const Expression& one : results) put(one.mask.values);
    if (!file.flush()) throw Error(ErrorCode::kIo, order.at("file").get<std::string>() + ": cannot be written");
    return {{"count", results.size()}};
  }

  json agree(const json& order) {
    const Engine &a = *engines_.at(order.at("a")), &b = *engines_.at(order.at("b"));
    const auto files = order.at("files").get<std::vector<std::string>>();
    constexpr std::size_t kBatch = 16;
    std::size_t equal = 0;
    double apart = 0;
    for (std::size_t at = 0; at < files.size(); at += kBatch) {
      std::vector<Image> images;
      std::vector<ImageView> views;
      for (std::size_t i = at; i < std::min(at + kBatch, files.size()); ++i) images.push_back(read_image(files[i]));
      for (const Image& image : images) views.push_back(image.view());
      const auto left = a.classify(views), right = b.classify(views);
      for (std::size_t i = 0; i < views.size(); ++i) {
        equal += left[i].label_id == right[i].label_id ? 1 : 0;
        for (std::size_t p = 0; p < left[i].mask.values.size(); ++p)
          apart = std::max(apart, static_cast<double>(std::abs(left[i].mask.values[p] - right[i].mask.values[p])));
      }
    }
    return {{"count", files.size()}, {"equal", equal}, {"mask", apart}};
  }

  static json memory(const json& order) {
    if (order.value("reset", false)) std::ofstream("/proc/self/clear_refs") << "5";
    return {{"resident", status_bytes("VmRSS")}, {"peak", status_bytes("VmHWM")}};
  }

  struct FloorData {
    torch::Tensor x, w, blocked, blocked_w;
  };
  std::map<std::string, std::shared_ptr<const Engine>> engines_;
  std::map<std::pair<int, int64_t>, FloorData> floor_data_;
  std::vector<Image> crops_;
};

}  // namespace

int main() {
  Bench bench;
  for (std::string line; std::getline(std::cin, line);) {
    json reply;
    try {
      reply = bench.answer(json::parse(line));
    } catch (const std::exception& fault) {
      reply = {{"error", fault.what()}};
    }
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}
