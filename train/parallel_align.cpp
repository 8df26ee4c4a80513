#include "parallel_align.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "files/usable_processors.h"
#include "interrupt.h"
#include "progress.h"

namespace fmpn::train {

StillCrop crop_still(Aligner& aligner, const ImageView& picture, const Box* expected) {
  constexpr float kSameFace = 0.3F;  // overlap of one face marked by two
  auto faces = aligner.find_in_still(picture);
  if (expected != nullptr) {
    const auto nearer = [&](const AlignedFace& a, const AlignedFace& b) { return overlap(a.box, *expected) < overlap(b.box, *expected); };
    const auto best = std::max_element(faces.begin(), faces.end(), nearer);
    if (best != faces.end() && overlap(best->box, *expected) >= kSameFace) return {std::move(best->crop), true};
    return {aligner.align(picture, *expected, 0).crop, true};
  }
  if (faces.empty()) return {whole_picture_crop(picture, aligner.options().crop_size), false};
  return {std::move(faces.front().crop), true};
}

bool align_in_parallel(const AlignerOptions& options, std::size_t count, const std::string& what,
                       const std::function<void(Aligner&, std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr first;
  std::mutex mutex;  // guards `first`, `done` and `progress`
  long done = 0;
  Progress progress(what, static_cast<long>(count));
  const auto work = [&] {
    try {
      Aligner aligner(options);
      for (std::size_t i = next++; i < count && !stop && !g_stop_requested; i = next++) {
        body(aligner, i);
        const std::lock_guard lock(mutex);
        progress.update(++done);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      stop = true;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < usable_processors(); ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
  return done == static_cast<long>(count);
}

}  // namespace fmpn::train
