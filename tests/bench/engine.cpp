// The engine's side of the benchmark: reads one JSON object a line from standard input, does it, answers with one JSON object a line.
// The other side, eager.py, is spoken to in the same way, so that both take turns in processes of their own. The number of threads is
// OMP_NUM_THREADS.
//
//   {"do": "load", "as": NAME, "model": FILE, "precision": P, "device": D}   seconds; the engine is held under NAME; D is the cpu if not given
//   {"do": "precisions", "device": D}                               those that a model can be loaded in here, fp32 first
//   {"do": "crops", "file": FILE, "side": S}                        RGB crops of S×S, 8 bits, one after the other, for what follows
//   {"do": "run", "name": NAME, "batch": N, "at_least": SECONDS}    seconds of one classify(), the mean over at least so long
//   {"do": "floor", "precision": P, "batch": N, "at_least": SECONDS}   FLOP/s of a 3×3 convolution of 256 channels on 74×74
//   {"do": "outputs", "name": NAME, "file": FILE}                   logits, then masks, of all crops as float32
//   {"do": "agree", "a": NAME, "b": NAME, "files": [CROP…]}         how many top labels are the same, how far masks lie apart
//   {"do": "memory", "reset": BOOL}                                 resident and peak memory in bytes; with reset free memory goes back
//                                                                   to the system, and the peak starts anew

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>
#include <unordered_map>

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "runtime/engines.h"
#include "runtime/net_plan.h"

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

/// A 3×3 convolution of 256 channels on 74×74 pixels.
class FloorConvolution {
 public:
  FloorConvolution(std::int64_t n, bool bf16) : n_(n) {
    using dnnl::memory;
    const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const onednn::Dims picture{n, kChannels, kSide, kSide}, kernel{kChannels, kChannels, 3, 3};
    const onednn::Desc weight(kernel, type, memory::format_tag::any), bias({kChannels}, memory::data_type::f32, memory::format_tag::x);
    const onednn::Desc any(picture, type, memory::format_tag::any);
    const auto made = onednn::convolution(cpu_engine(), any, weight, bias, any, {1, 1}, {1, 1}, {});
    convolution_ = dnnl::convolution_forward(made);
    arguments_ = {{DNNL_ARG_SRC, noise(made.src_desc(), picture)}, {DNNL_ARG_WEIGHTS, noise(made.weights_desc(), kernel)},
                  {DNNL_ARG_BIAS, noise(made.bias_desc(), {kChannels})}, {DNNL_ARG_DST, memory(made.dst_desc(), cpu_engine())}};
  }

  void run() {
    convolution_.execute(stream_, arguments_);
    stream_.wait();
  }
  double flop() const { return 2.0 * 9 * kChannels * kChannels * kSide * kSide * static_cast<double>(n_); }

 private:
  static constexpr std::int64_t kChannels = 256, kSide = 74;

  dnnl::memory noise(const onednn::Desc& desc, const onednn::Dims& dims) {
    const auto tag = dims.size() == 1 ? dnnl::memory::format_tag::x : dnnl::memory::format_tag::nchw;
    torch::Tensor numbers = torch::rand(dims) - 0.5;
    dnnl::memory from({dims, dnnl::memory::data_type::f32, tag}, cpu_engine(), numbers.data_ptr()), to(desc, cpu_engine());
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  std::int64_t n_;
  dnnl::stream stream_{cpu_engine()};
  dnnl::convolution_forward convolution_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

class Bench {
 public:
  json answer(const json& order) {
    const std::string what = order.at("do");
    if (what == "precisions") return precisions(order);
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
  // Not every CPU computes in bfloat16; every device else does.
  static json precisions(const json& order) {
    std::vector<std::string> found{"fp32"};
    if (order.value("device", "cpu") != "cpu" || cpu_has_bfloat16()) found.push_back("bf16");
    return {{"precisions", found}};
  }

  json load(const json& order) {
    const auto begun = Clock::now();
    const auto engine = Engine::load(order.at("model"), {order.value("device", "cpu"), precision_of(order.at("precision"))});
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

  // Packed as oneDNN likes it best, into memory that is there already: nothing but the convolution is timed.
  json floor_rate(const json& order) {
    const bool bf16 = precision_of(order.at("precision")) == Precision::kBf16;
    auto& floor = floors_[{bf16, order.at("batch")}];
    if (!floor) floor = std::make_unique<FloorConvolution>(order.at("batch"), bf16);
    return {{"flops", floor->flop() / mean_seconds(order.at("at_least"), [&] { floor->run(); })}};
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
    if (order.value("reset", false)) {
      malloc_trim(0);  // what earlier orders left free must not stand in for new memory
      std::ofstream("/proc/self/clear_refs") << "5";
    }
    return {{"resident", status_bytes("VmRSS")}, {"peak", status_bytes("VmHWM")}};
  }

  std::map<std::string, std::shared_ptr<const Engine>> engines_;
  std::map<std::pair<bool, std::int64_t>, std::unique_ptr<FloorConvolution>> floors_;
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
