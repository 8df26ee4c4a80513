#include "runtime/compiled_net.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include <omp.h>

#include "runtime/net_plan.h"

namespace fmpn {
namespace {

constexpr std::int64_t kLargestBatch = 16;  // more pictures run one batch after another: memory stays bounded

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

/// What one call needs: oneDNN's views of the values, wherever they lie this time.
class Context {
 public:
  explicit Context(const NetPlan& of) : plan(of), stream_(cpu_engine()) {
    for (const Operation& operation : plan.operations) {
      std::unordered_map<int, dnnl::memory> bound;
      for (const auto& argument : operation.arguments)
        bound[argument.key] = argument.slot < 0 ? argument.shared : dnnl::memory(argument.desc, cpu_engine(), DNNL_MEMORY_NONE);
      arguments_.push_back(std::move(bound));
    }
  }

  void run(char* arena) {
    if (arena != arena_) bind(arena);
    for (std::size_t i = 0; i < plan.operations.size(); ++i) {
      const Operation& operation = plan.operations[i];
      if (operation.function) operation.function(plan, arena);
      else operation.primitive.execute(stream_, arguments_[i]);
    }
    stream_.wait();
  }

  const NetPlan& plan;

 private:
  void bind(char* arena) {
    for (std::size_t i = 0; i < plan.operations.size(); ++i)
      for (const auto& argument : plan.operations[i].arguments)
        if (argument.slot >= 0) arguments_[i][argument.key].set_data_handle(plan.slot(arena, argument.slot));
    arena_ = arena;
  }

  char* arena_ = nullptr;
  dnnl::stream stream_;
  std::vector<std::unordered_map<int, dnnl::memory>> arguments_;  ///< by operation
};

}  // namespace

struct CompiledNet::State {
  std::shared_ptr<WorkingMemory> memory;
  std::vector<NetInput> inputs;
  bool bf16 = false;
  int threads = 1;
  int output = -1;
  std::mutex planning;  // guards graph and packed; taken before `mutex`
  LayerGraph graph;
  std::vector<PackedLayer> packed;
  std::mutex mutex;  // guards what follows; never held while a plan is made: calls that have theirs don't wait
  std::map<std::int64_t, std::unique_ptr<const NetPlan>> plans;
  std::vector<std::unique_ptr<Context>> idle;

  /// `numbers_of` is asked by the first plan alone, which packs all weights.
  const NetPlan& plan(std::int64_t n, const NumbersOf& numbers_of) {
    const auto made = [&]() -> const NetPlan* {
      const std::lock_guard lock(mutex);
      const auto found = plans.find(n);
      return found == plans.end() ? nullptr : found->second.get();
    };
    if (const NetPlan* found = made()) return *found;
    const std::lock_guard one_at_a_time(planning);
    if (const NetPlan* found = made()) return *found;  // meanwhile
    auto plan = make_plan(graph, packed, numbers_of, bf16, n, inputs);
    const std::lock_guard lock(mutex);
    return *(plans[n] = std::move(plan));
  }

  std::unique_ptr<Context> take(std::int64_t n, const NumbersOf& numbers_of = nullptr) {
    const NetPlan& wanted = plan(n, numbers_of);
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(idle.begin(), idle.end(), [&](const auto& context) { return &context->plan == &wanted; });
    if (found == idle.end()) return std::make_unique<Context>(wanted);
    auto context = std::move(*found);
    idle.erase(found);
    return context;
  }

  void give_back(std::unique_ptr<Context> context) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(context));
  }
};

CompiledNet::CompiledNet(LayerGraph graph, const NumbersOf& numbers_of, std::vector<NetInput> inputs, bool bf16, int threads,
                         std::shared_ptr<WorkingMemory> memory)
    : state_(new State) {
  const ThreadCount count(threads);
  state_->memory = std::move(memory);
  state_->inputs = std::move(inputs);
  state_->bf16 = bf16;
  state_->threads = threads;
  state_->packed.resize(graph.layers.size());
  state_->output = graph.output;
  state_->graph = std::move(graph);
  state_->give_back(state_->take(1, numbers_of));  // the first picture need not wait
}

CompiledNet::~CompiledNet() = default;

std::vector<float> CompiledNet::run(std::int64_t n, const std::vector<const float*>& inputs) const {
  const ThreadCount count(state_->threads);
  const int output = state_->output;
  std::vector<float> result;
  for (std::int64_t first = 0; first < n; first += kLargestBatch) {
    auto context = state_->take(std::min(kLargestBatch, n - first));
    const NetPlan& plan = context->plan;
    auto block = state_->memory->take(plan.arena_bytes);
    const auto arena = static_cast<char*>(block->data());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const PixelBlock& shape = plan.shapes[i];
      from_float(inputs[i] + first * shape.h * shape.w * shape.c, shape, plan.at(arena, static_cast<int>(i)));
    }
    context->run(arena);
    const PixelBlock& shape = plan.shape(output);
    result.resize(result.size() + static_cast<std::size_t>(shape.count()));
    to_float(plan.at(arena, output), shape, result.data() + result.size() - shape.count());
    state_->memory->give_back(std::move(block));
    state_->give_back(std::move(context));
  }
  return result;
}

}  // namespace fmpn
