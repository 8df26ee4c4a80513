#include "inference_worker.h"

#include <sys/resource.h>

#include <utility>

namespace fmpn::gst {

namespace {
// A face that has not been seen for so many frames is gone: its result is not kept.
constexpr std::uint64_t kKeepFrames = 300;

// A face that was out of sight for so many seconds comes back without its old result. Less than the smoother keeps an expression: what
// it has forgotten must not come again.
constexpr double kAway = 0.5;

// On a machine that is short of cores the stream goes first: networks that run beside it take what it leaves.
constexpr int kGiveWay = 10;

/// Makes this thread, and those that it starts (OpenMP's), give way to the process's others.
void give_way() {
#ifdef __linux__
  // On Linux a priority is a thread's own; 0 is the calling one. It can always be lowered.
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kGiveWay);
#endif
}
}  // namespace

FaceResult result_of(const FaceInput& input, NetResult net) {
  return {input.frame, input.time, input.quality, input.crop ? input.crop->width : 0, std::move(net)};
}

InferenceWorker::InferenceWorker(Infer infer) : infer_(std::move(infer)), thread_([this] { run(); }) {}

InferenceWorker::~InferenceWorker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::size_t InferenceWorker::submit(std::vector<FaceInput> inputs) {
  std::size_t gave_way = 0;
  {
    const std::lock_guard lock(mutex_);
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
    for (FaceInput& input : inputs) {
      const int id = input.face_id;
      note(input);
      gave_way += waiting_.count(id);
      waiting_[id] = std::move(input);
    }
  }
  wake_.notify_one();
  return gave_way;
}

void InferenceWorker::note(const FaceInput& input) {
  const auto [found, is_new] = seen_.try_emplace(input.face_id, Presence{input.frame, input.frame, input.time});
  Presence& face = found->second;
  // In a stream of few frames a face on every one of them has not been away.
  if (!is_new && input.frame > face.last + 1 && input.time - face.time > kAway) {
    face.since = input.frame;
    results_.erase(input.face_id);
  }
  face.last = input.frame;
  face.time = input.time;
}

std::optional<FaceResult> InferenceWorker::latest(int face_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = results_.find(face_id);
  if (found == results_.end()) return std::nullopt;
  return found->second;
}

void InferenceWorker::forget() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  results_.clear();
  seen_.clear();
  ++generation_;
  if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
}

void InferenceWorker::run() {
  give_way();
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    std::vector<FaceInput> inputs;
    for (auto& [id, input] : waiting_) inputs.push_back(std::move(input));
    waiting_.clear();
    const std::uint64_t generation = generation_;
    lock.unlock();
    std::vector<NetResult> made;
    std::exception_ptr fault;
    try {
      made = infer_(inputs);
    } catch (...) {
      fault = std::current_exception();  // handed to the streaming thread by submit()
    }
    lock.lock();
    if (generation != generation_) continue;
    if (fault) fault_ = fault;  // one that nobody has fetched yet stays
    for (std::size_t i = 0; i < made.size(); ++i)
      if (inputs[i].frame >= seen_[inputs[i].face_id].since) results_[inputs[i].face_id] = result_of(inputs[i], std::move(made[i]));
    for (auto item = results_.begin(); item != results_.end();)
      item = item->second.frame + kKeepFrames < inputs.front().frame ? results_.erase(item) : std::next(item);
    for (auto item = seen_.begin(); item != seen_.end();)
      item = item->second.last + kKeepFrames < inputs.front().frame ? seen_.erase(item) : std::next(item);
  }
}

}  // namespace fmpn::gst
