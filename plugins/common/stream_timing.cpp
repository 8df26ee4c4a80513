#include "stream_timing.h"

#include <algorithm>

namespace fmpn::gst {
namespace {

constexpr GstClockTime kContiguous = GST_SECOND;  // a segment that begins so near the last frame, or its end, goes on from it
constexpr double kUnknownFrame = 1.0 / 30;        // seconds, where neither timestamps nor a rate say more
constexpr std::size_t kWindow = 90;               // frames that an answer is made from
constexpr GstClockTime kStep = 5 * GST_MSECOND;   // answers are rounded up to it, so that they do not change all the time

double seconds(GstClockTime time) { return static_cast<double>(time) / GST_SECOND; }

}  // namespace

GstClockTime running_time_of(const GstSegment& segment, GstBuffer* buffer) {
  if (segment.format != GST_FORMAT_TIME) return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
}

GstClockTime stream_time_of(const GstSegment& segment, GstBuffer* buffer) {
  if (segment.format != GST_FORMAT_TIME) return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
}

void StreamPosition::note(const GstSegment& segment, GstBuffer* buffer, const GstVideoInfo& info) {
  const GstClockTime before = begin_;
  begin_ = end_ = stream_time_of(segment, buffer);
  if (!GST_CLOCK_TIME_IS_VALID(begin_)) return;
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) end_ += GST_BUFFER_DURATION(buffer);
  else if (info.fps_n > 0 && info.fps_d > 0)
    end_ += gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(info.fps_d), static_cast<guint64>(info.fps_n));
  else if (GST_CLOCK_TIME_IS_VALID(before) && before < begin_) end_ += begin_ - before;  // as far from the next as from the last one
}

bool StreamPosition::left_by(const GstSegment& last, GstEvent* segment_event) const {
  const GstSegment* next = nullptr;
  gst_event_parse_segment(segment_event, &next);
  const bool same = last.start == next->start && last.time == next->time && last.base == next->base && last.rate == next->rate;
  if (same || next->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(begin_) || !GST_CLOCK_TIME_IS_VALID(next->time)) return false;
  return next->time + kContiguous < begin_ || next->time > end_ + kContiguous;
}

double FrameClock::at(const GstSegment& segment, GstBuffer* buffer, const GstVideoInfo& info) {
  const GstClockTime time = running_time_of(segment, buffer);
  if (GST_CLOCK_TIME_IS_VALID(time)) {
    now_ = seconds(time);
  } else if (started_) {
    now_ += info.fps_n > 0 && info.fps_d > 0 ? static_cast<double>(info.fps_d) / info.fps_n : kUnknownFrame;
  }
  started_ = true;
  return now_;
}

double FrameClock::at_gap(const GstSegment& segment, GstEvent* gap) {
  GstClockTime start = GST_CLOCK_TIME_NONE, duration = GST_CLOCK_TIME_NONE;
  gst_event_parse_gap(gap, &start, &duration);
  if (!GST_CLOCK_TIME_IS_VALID(start) || segment.format != GST_FORMAT_TIME) return now_;
  const GstClockTime end = GST_CLOCK_TIME_IS_VALID(duration) ? start + duration : start;
  const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, std::min(end, segment.stop));
  if (GST_CLOCK_TIME_IS_VALID(time)) now_ = std::max(now_, seconds(time));
  return now_;
}

void ProcessingLatency::reset() {
  value_ = 0;
  live_ = false;
  recent_.clear();
  next_ = 0;
  warm_ = false;
}

void ProcessingLatency::add(GstElement* element, GstClockTime took) {
  // The first frame loads pages and sets up threads: it says nothing of those that follow.
  if (!warm_) {
    warm_ = true;
    return;
  }
  if (recent_.size() < kWindow) {
    recent_.push_back(took);
  } else {
    recent_[next_] = took;
    next_ = (next_ + 1) % kWindow;
  }
  // A single long frame is shown late; for all others to wait for it would be worse.
  std::vector<GstClockTime> sorted = recent_;
  const auto usual = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) * 19 / 20);
  std::nth_element(sorted.begin(), usual, sorted.end());
  const GstClockTime beyond = *usual > allowed_ ? *usual - allowed_ : 0;
  const GstClockTime rounded = beyond < GST_MSECOND ? 0 : (beyond + kStep - 1) / kStep * kStep;
  const GstClockTime told = value_;
  // Less is told only when it is much less, and has been for a whole window.
  if (rounded <= told && !(recent_.size() == kWindow && 2 * rounded < told)) return;
  value_ = rounded;
  if (live_) gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

gboolean ProcessingLatency::answer(GstBaseTransform* base, GstQuery* query) {
  if (!gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(base), query)) return FALSE;
  gboolean live = FALSE;
  GstClockTime least = 0, most = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, &live, &least, &most);
  live_ = live != FALSE;
  if (!live) return TRUE;
  const GstClockTime ours = value_;
  gst_query_set_latency(query, live, least + ours, GST_CLOCK_TIME_IS_VALID(most) ? most + ours : most);
  return TRUE;
}

void LateFrames::reset() {
  earliest_ = GST_CLOCK_TIME_NONE;
  jitter_ = 0;
  proportion_ = 1;
}

void LateFrames::heed(GstEvent* qos) {
  GstClockTimeDiff diff = 0;
  GstClockTime timestamp = GST_CLOCK_TIME_NONE;
  gdouble proportion = 1;
  gst_event_parse_qos(qos, nullptr, &proportion, &diff, &timestamp);
  if (!GST_CLOCK_TIME_IS_VALID(timestamp)) return;
  jitter_ = diff;
  proportion_ = proportion;
  // A late sink needs some room to catch up: twice what it is behind.
  const GstClockTimeDiff ahead = diff > 0 ? 2 * diff : diff;
  const auto earliest = static_cast<GstClockTimeDiff>(timestamp) + ahead;
  earliest_ = earliest > 0 ? static_cast<GstClockTime>(earliest) : 0;
}

bool LateFrames::late(GstClockTime running_time) const {
  const GstClockTime earliest = earliest_;
  return GST_CLOCK_TIME_IS_VALID(running_time) && GST_CLOCK_TIME_IS_VALID(earliest) && running_time <= earliest && jitter_ > 0;
}

void LateFrames::post(GstBaseTransform* base, GstBuffer* buffer, guint64 done, guint64 skipped) const {
  const GstSegment& segment = base->segment;
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  GstMessage* message = gst_message_new_qos(GST_OBJECT(base), FALSE, running_time_of(segment, buffer),
                                            gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, time), time, GST_BUFFER_DURATION(buffer));
  gst_message_set_qos_values(message, jitter_, proportion_, 1000000);
  gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, done, skipped);
  gst_element_post_message(GST_ELEMENT(base), message);
}

}  // namespace fmpn::gst
