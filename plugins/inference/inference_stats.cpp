#include "inference_stats.h"

#include <algorithm>

namespace fmpn::gst {

void InferenceStats::add_frame(gint64 begun, std::size_t faces, std::size_t skipped) {
  const std::lock_guard lock(mutex_);
  if (since_ == 0) since_ = begun;
  ++frames_;
  faces_ += faces;
  skipped_ += skipped;
}

void InferenceStats::add_inference(std::size_t faces, double milliseconds) {
  const std::lock_guard lock(mutex_);
  inferences_ += faces;
  milliseconds_.push_back(milliseconds);
}

GstStructure* InferenceStats::take_if_due(gint64 now) {
  const std::lock_guard lock(mutex_);
  return since_ == 0 || now - since_ < G_USEC_PER_SEC ? nullptr : take(now);
}

GstStructure* InferenceStats::take_rest(gint64 now) {
  const std::lock_guard lock(mutex_);
  GstStructure* rest = frames_ == 0 ? nullptr : take(now);
  since_ = 0;
  return rest;
}

void InferenceStats::resume(gint64 now) {
  const std::lock_guard lock(mutex_);
  if (since_ != 0) since_ = now;
}

void InferenceStats::reset() {
  const std::lock_guard lock(mutex_);
  since_ = 0;
  frames_ = faces_ = inferences_ = skipped_ = 0;
  milliseconds_.clear();
}

GstStructure* InferenceStats::take(gint64 now) {
  std::sort(milliseconds_.begin(), milliseconds_.end());
  const auto quantile = [&](double q) {
    return milliseconds_.empty() ? 0.0 : milliseconds_[static_cast<std::size_t>(q * static_cast<double>(milliseconds_.size() - 1))];
  };
  GstStructure* stats = gst_structure_new(
      "fmpn-stats", "seconds", G_TYPE_DOUBLE, static_cast<double>(now - since_) / G_USEC_PER_SEC, "frames", G_TYPE_UINT64,
      frames_, "faces", G_TYPE_UINT64, faces_, "inferences", G_TYPE_UINT64, inferences_, "skipped", G_TYPE_UINT64, skipped_,
      "latency-p50", G_TYPE_DOUBLE, quantile(0.5), "latency-p95", G_TYPE_DOUBLE, quantile(0.95), "latency-max", G_TYPE_DOUBLE,
      quantile(1.0), nullptr);
  since_ = now;
  frames_ = faces_ = inferences_ = skipped_ = 0;
  milliseconds_.clear();
  return stats;
}

}  // namespace fmpn::gst
