#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

/// What an element that takes its time owes the rest of a pipeline: the time of a frame, its latency, and heed of QoS.
namespace fmpn::gst {

/// Running time of a buffer; GST_CLOCK_TIME_NONE without a timestamp, outside the segment, and in a stream that does not count time
/// (appsrc's default is bytes).
GstClockTime running_time_of(const GstSegment& segment, GstBuffer* buffer);

/// Stream time of a buffer; GST_CLOCK_TIME_NONE in the same cases.
GstClockTime stream_time_of(const GstSegment& segment, GstBuffer* buffer);

/// Where in the stream the last frame was. Of the streaming thread.
class StreamPosition {
 public:
  void reset() { *this = {}; }
  /// This frame comes.
  void note(const GstSegment& segment, GstBuffer* buffer, const GstVideoInfo& info);
  /// Whether a SEGMENT event is that of a seek without a flush (or of a loop): running time goes on, the stream's does not. `last` is
  /// the segment until now.
  bool left_by(const GstSegment& last, GstEvent* segment_event) const;

 private:
  GstClockTime begin_ = GST_CLOCK_TIME_NONE, end_ = GST_CLOCK_TIME_NONE;  ///< stream time
};

/// Running time in seconds, also where there are no timestamps. Of the streaming thread.
class FrameClock {
 public:
  void reset() { now_ = 0, started_ = false; }
  /// Of this frame. Without a timestamp it follows the last one at the caps' rate, at 30 a second where there is none.
  double at(const GstSegment& segment, GstBuffer* buffer, const GstVideoInfo& info);
  /// The end of a gap event; the last frame's time where the gap does not say.
  double at_gap(const GstSegment& segment, GstEvent* gap);
  double now() const { return now_; }

 private:
  double now_ = 0;
  bool started_ = false;
};

/// What sinks allow for processing of their own accord: GstBaseSink's processing-deadline, unless it is set.
constexpr GstClockTime kSinkDeadline = 20 * GST_MSECOND;

/// How long frames stay in the element: what it answers to LATENCY queries, measured while it runs.
class ProcessingLatency {
 public:
  /// `allowed`: not to be told. One element of a pipeline at the most may leave a sink's deadline out.
  explicit ProcessingLatency(GstClockTime allowed = 0) : allowed_(allowed) {}
  void reset();
  /// A frame took so long. Posts a LATENCY message where what was answered before is no longer true, in a live pipeline.
  void add(GstElement* element, GstClockTime took);
  /// Upstream's answer with our part added, where the stream is live. For the query vfunc.
  gboolean answer(GstBaseTransform* base, GstQuery* query);
  /// What 19 of 20 frames don't exceed, beyond what is allowed, in steps of 5 ms.
  GstClockTime value() const { return value_; }

 private:
  GstClockTime allowed_;
  std::atomic<GstClockTime> value_{0};
  std::atomic<bool> live_{false};
  // Of the streaming thread.
  std::vector<GstClockTime> recent_;
  std::size_t next_ = 0;
  bool warm_ = false;
};

/// Whether the sink has said that frames come too late. Thread safe.
class LateFrames {
 public:
  void reset();
  void heed(GstEvent* qos);
  /// Whether a frame of this running time will be late as things stand.
  bool late(GstClockTime running_time) const;
  /// Tells the application that this frame was not judged: `done` and `skipped` count frames of this run.
  void post(GstBaseTransform* base, GstBuffer* buffer, guint64 done, guint64 skipped) const;

 private:
  std::atomic<GstClockTime> earliest_{GST_CLOCK_TIME_NONE};
  std::atomic<GstClockTimeDiff> jitter_{0};
  std::atomic<double> proportion_{1};
};

}  // namespace fmpn::gst
