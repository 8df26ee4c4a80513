#include "runtime/compiled_net.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

#include <omp.h>

#include "runtime/net_plan.h"

namespace fmpn {
namespace {

constexpr std::int64_t kLargestBatch = 16;                 // more pictures run one batch after another: memory stays bounded
constexpr std::size_t kIdleBytes = std::size_t{64} << 20;  // working memory that is kept for other batch sizes than the last one's

/// OpenMP asks the calling thread how many may help it, and LibTorch has its own idea of that number.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// One call's working memory, and oneDNN's views of it.
struct Context {
  explicit Context(const NetPlan& of)
      : plan(of),
        memory(::operator new (std::max<std::size_t>(64, of.arena_bytes), std::align_val_t{64})),
        arena(static_cast<char*>(memory.get())),
        stream(cpu_engine()) {
    for (const Operation& operation : plan.operations) {
      std::unordered_map<int, dnnl::memory> bound;
      for (const auto& argument : operation.arguments)
        bound[argument.key] =
            argument.slot < 0 ? argument.shared : dnnl::memory(argument.desc, cpu_engine(), plan.slot(arena, argument.slot));
      arguments.push_back(std::move(bound));
    }
  }

  void run() {
    for (std::size_t i = 0; i < plan.operations.size(); ++i) {
      const Operation& operation = plan.operations[i];
      if (operation.function) operation.function(plan, arena);
      else operation.primitive.execute(stream, arguments[i]);
    }
    stream.wait();
  }

  struct Free {
    void operator()(void* block) const { ::operator delete(block, std::align_val_t{64}); }
  };
  const NetPlan& plan;
  std::unique_ptr<void, Free> memory;
  char* arena;
  dnnl::stream stream;
  std::vector<std::unordered_map<int, dnnl::memory>> arguments;  ///< by operation
};

}  // namespace

struct CompiledNet::State {
  std::vector<NetInput> inputs;
  bool bf16 = false;
  int threads = 1;
  std::mutex mutex;  // guards what follows
  LayerGraph graph;
  std::vector<PackedLayer> packed;
  std::map<std::int64_t, std::unique_ptr<const NetPlan>> plans;
  std::vector<std::unique_ptr<Context>> idle;  // the last used at the end

  std::unique_ptr<Context> take(std::int64_t n) {
    const std::lock_guard lock(mutex);
    auto& plan = plans[n];
    if (!plan) plan = make_plan(graph, packed, bf16, n, inputs);
    const auto found = std::find_if(idle.rbegin(), idle.rend(), [&](const auto& context) { return &context->plan == plan.get(); });
    if (found == idle.rend()) return std::make_unique<Context>(*plan);
    auto context = std::move(*found);
    idle.erase(std::next(found).base());
    return context;
  }

  void give_back(std::unique_ptr<Context> context) {
    const std::lock_guard lock(mutex);
    std::size_t kept = 0;
    for (auto other = idle.rbegin(); other != idle.rend(); ++other) {
      kept += (*other)->plan.arena_bytes;
      if (kept <= kIdleBytes) continue;
      idle.erase(idle.begin(), other.base());
      break;
    }
    idle.push_back(std::move(context));
  }
};

CompiledNet::CompiledNet(LayerGraph graph, std::vector<NetInput> inputs, bool bf16, int threads) : state_(new State) {
  const ThreadCount count(threads);
  state_->inputs = std::move(inputs);
  state_->bf16 = bf16;
  state_->threads = threads;
  state_->packed.resize(graph.layers.size());
  state_->graph = std::move(graph);
  state_->give_back(state_->take(1));  // all weights are packed now, and the first picture need not wait
}

CompiledNet::~CompiledNet() = default;

std::vector<float> CompiledNet::run(std::int64_t n, const std::vector<const float*>& inputs) const {
  const ThreadCount count(state_->threads);
  const int output = state_->graph.output;
  std::vector<float> result;
  for (std::int64_t first = 0; first < n; first += kLargestBatch) {
    auto context = state_->take(std::min(kLargestBatch, n - first));
    const NetPlan& plan = context->plan;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const PixelBlock& shape = plan.shapes[i];
      from_float(inputs[i] + first * shape.h * shape.w * shape.c, shape, plan.at(context->arena, static_cast<int>(i)));
    }
    context->run();
    const PixelBlock& shape = plan.shape(output);
    result.resize(result.size() + static_cast<std::size_t>(shape.count()));
    to_float(plan.at(context->arena, output), shape, result.data() + result.size() - shape.count());
    state_->give_back(std::move(context));
  }
  return result;
}

}  // namespace fmpn
