#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <fmpn/image_view.h>
#include <fmpn/motion_mask.h>

namespace fmpn::gst {

/// One face of one frame, ready for the networks.
struct FaceInput {
  int face_id = 0;                         ///< FaceAnnotation::id
  std::uint64_t frame = 0;                 ///< number of the frame in this stream
  double time = 0;                         ///< its running time in seconds
  float quality = 1;                       ///< of the face on this frame, 0…1
  std::shared_ptr<const Image> crop;       ///< of the model's crop size
  std::shared_ptr<const MotionMask> mask;  ///< of this crop; null: to be generated
};

/// What the networks said of one face.
struct NetResult {
  std::vector<float> probabilities;        ///< of the model's classes; empty: not asked for (fmpnmask)
  std::shared_ptr<const MotionMask> mask;  ///< null: none was made (a model without masks)
};

/// The same with the frame that it is of; what is known of that frame is the input's.
struct FaceResult {
  std::uint64_t frame = 0;
  double time = 0;
  float quality = 1;
  int crop_side = 0;  ///< of the crop that was judged
  NetResult net;
};

FaceResult result_of(const FaceInput& input, NetResult net);

/// Runs inference on a thread of its own, so that a live stream never waits. It always works on the newest frame of each
/// face: an input that has not been begun gives way to a newer one of the same face. On Linux the thread's priority is lower than
/// that of the thread which makes the worker.
class InferenceWorker {
 public:
  using Infer = std::function<std::vector<NetResult>(const std::vector<FaceInput>&)>;

  explicit InferenceWorker(Infer infer);
  /// Waits for the inference under way.
  ~InferenceWorker();

  /// Returns at once, with the number of inputs that gave way. Throws what the inference threw.
  std::size_t submit(std::vector<FaceInput> inputs);

  /// The newest result of a face; none of before it was out of sight for half a second.
  std::optional<FaceResult> latest(int face_id) const;

  /// Forgets inputs and results (flush, new stream); a result under way is dropped when it comes. Throws what the inference threw
  /// and nobody has been told yet.
  void forget();

 private:
  /// Of a face that was submitted.
  struct Presence {
    std::uint64_t since = 0;  ///< frame on which it came, or came back
    std::uint64_t last = 0;   ///< frame on which it was submitted last
    double time = 0;          ///< and that frame's time
  };
  /// Whoever comes back after a while may look different by now: its old results count no more.
  void note(const FaceInput& input);
  void run();

  const Infer infer_;
  mutable std::mutex mutex_;  // guards everything below but thread_; never held while infer_ runs
  std::condition_variable wake_;
  std::map<int, FaceInput> waiting_;
  std::map<int, FaceResult> results_;
  std::map<int, Presence> seen_;
  std::exception_ptr fault_;
  std::uint64_t generation_ = 0;  // counts forget()
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fmpn::gst
