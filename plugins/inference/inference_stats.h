#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <gst/gst.h>

namespace fmpn::gst {

/// Counts what an element does, and sums it up once a second. Thread safe.
class InferenceStats {
 public:
  /// `begun`: when the frame came. The first one of a stretch begins the second.
  void add_frame(gint64 begun_microseconds, std::size_t faces, std::size_t skipped);
  void add_inference(std::size_t faces, double milliseconds);

  /// The `fmpn-stats` structure (transfer full) when a second has passed since the last one, else null. Fields: seconds,
  /// frames, faces, inferences, skipped (faces that
  /// gave way to a newer frame, or came too late), latency-p50, -p95, -max in ms a batch.
  GstStructure* take_if_due(gint64 now_microseconds);
  /// What has come together since the last one, for the end of a stretch (EOS, flush, pause); null where there was no frame. (transfer full)
  GstStructure* take_rest(gint64 now_microseconds);
  /// The stream goes on after a wait (pause, preroll): a second that has begun begins anew.
  void resume(gint64 now_microseconds);
  /// A new run.
  void reset();

 private:
  GstStructure* take(gint64 now_microseconds);

  std::mutex mutex_;  // guards all below
  gint64 since_ = 0;
  std::uint64_t frames_ = 0, faces_ = 0, inferences_ = 0, skipped_ = 0;
  std::vector<double> milliseconds_;
};

}  // namespace fmpn::gst
