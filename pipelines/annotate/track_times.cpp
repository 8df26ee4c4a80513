#include "track_times.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include <gst/video/video.h>

namespace fmpn::annotate {
namespace {

/// The smallest that every container can tell apart: Matroska counts milliseconds.
constexpr GstClockTime kSmallestStep = GST_MSECOND;

/// A track that is announced and does not come is not waited for any longer.
constexpr std::chrono::seconds kPatience{5};

std::optional<GstClockTime> running_time(const GstSegment& segment, GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment.format != GST_FORMAT_TIME) return std::nullopt;
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &running);
  if (sign == 0) return std::nullopt;
  return sign > 0 ? running : 0;
}

GstClockTime frame_duration(GstEvent* caps_event, GstClockTime otherwise) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(caps_event, &caps);
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps) || info.fps_n <= 0 || info.fps_d <= 0) return otherwise;
  return gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(info.fps_d), static_cast<guint64>(info.fps_n));
}

void replace_event(GstPadProbeInfo* info, GstEvent* with) {
  GstEvent* before = GST_PAD_PROBE_INFO_EVENT(info);
  gst_event_set_seqnum(with, gst_event_get_seqnum(before));
  gst_event_unref(before);
  GST_PAD_PROBE_INFO_DATA(info) = with;
}

}  // namespace

void TrackTimes::watch(GstPad* pad, Kind kind) {
  const std::lock_guard lock(mutex_);
  Track& track = tracks_.emplace_back();
  track.owner = this;
  track.kind = kind;
  gst_segment_init(&track.segment, GST_FORMAT_UNDEFINED);
  gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM), look, &track,
                    nullptr);
}

double TrackTimes::end() const {
  const std::lock_guard lock(mutex_);
  return static_cast<double>(end_) / GST_SECOND;
}

GstPadProbeReturn TrackTimes::look(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& track = *static_cast<Track*>(data);
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) == 0) return track.owner->event(track, info);
  track.owner->buffer(track, info);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn TrackTimes::event(Track& track, GstPadProbeInfo* info) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEGMENT: {
      gst_event_copy_segment(event, &track.segment);
      GstSegment plain;
      gst_segment_init(&plain, GST_FORMAT_TIME);
      if (track.kind != Kind::kOther) replace_event(info, gst_event_new_segment(&plain));
      return GST_PAD_PROBE_OK;
    }
    case GST_EVENT_CAPS:
      if (track.kind == Kind::kVideo) track.frame_lasts = frame_duration(event, track.frame_lasts);
      return GST_PAD_PROBE_OK;
    case GST_EVENT_GAP: return gap(track, info);
    case GST_EVENT_EOS: not_before(track, GST_CLOCK_TIME_NONE); return GST_PAD_PROBE_OK;
    default: return GST_PAD_PROBE_OK;
  }
}

/// A track that has not begun does not before the gap's end. One that comes before the segment has no time that means something, and
/// encoders stumble over it.
GstPadProbeReturn TrackTimes::gap(Track& track, GstPadProbeInfo* info) {
  GstClockTime time = GST_CLOCK_TIME_NONE, lasts = GST_CLOCK_TIME_NONE;
  gst_event_parse_gap(GST_PAD_PROBE_INFO_EVENT(info), &time, &lasts);
  if (track.kind == Kind::kOther) return GST_PAD_PROBE_OK;
  const auto begins = running_time(track.segment, time);
  if (!begins) return GST_PAD_PROBE_DROP;
  if (GST_CLOCK_TIME_IS_VALID(lasts)) not_before(track, *begins + lasts);
  replace_event(info, gst_event_new_gap(shifted(*begins), lasts));
  return GST_PAD_PROBE_OK;
}

void TrackTimes::buffer(Track& track, GstPadProbeInfo* info) {
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  auto running = running_time(track.segment, GST_BUFFER_PTS(buffer));
  if (track.kind != Kind::kOther) {
    if (!track.begun) begin(track, running.value_or(0));
    buffer = gst_buffer_make_writable(buffer);
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    GST_BUFFER_PTS(buffer) = running ? shifted(*running) : GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    if (track.kind == Kind::kVideo) mend(track, buffer);
  }
  const GstClockTime lasts = GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
  const std::lock_guard lock(mutex_);
  if (track.kind == Kind::kVideo) running = start_.value_or(0) + GST_BUFFER_PTS(buffer);  // as mended
  if (running) end_ = std::max(end_, *running + lasts);
}

void TrackTimes::mend(Track& track, GstBuffer* frame) {
  const bool later = GST_CLOCK_TIME_IS_VALID(track.last);
  GstClockTime& time = GST_BUFFER_PTS(frame);
  if (!GST_CLOCK_TIME_IS_VALID(time)) time = later ? track.last + track.frame_lasts : 0;
  if (later && time <= track.last) time = track.last + kSmallestStep;
  GstClockTime& lasts = GST_BUFFER_DURATION(frame);
  // h264parse gives those of a film without a frame rate a duration of 1 ns.
  if (!GST_CLOCK_TIME_IS_VALID(lasts) || lasts < kSmallestStep) lasts = later ? time - track.last : track.frame_lasts;
  track.last = time;
}

/// Holds the track's first buffer back until it is known which track begins first. decodebin announces all tracks before it lets the
/// first buffer pass, and each has a thread of its own.
void TrackTimes::begin(Track& track, GstClockTime first) {
  std::unique_lock lock(mutex_);
  track.begun = true;
  track.first = first;
  told_.notify_all();
  told_.wait_for(lock, kPatience, [&] { return start_ || first_track()->begun; });
  if (!start_) start_ = first_track()->begun ? first_track()->first : first;
}

void TrackTimes::not_before(Track& track, GstClockTime first) {
  const std::lock_guard lock(mutex_);
  if (!track.begun) track.first = std::max(track.first, first);
  told_.notify_all();
}

/// The one that begins first, as far as is known; of one that has begun and one that may begin at the same time, the former.
const TrackTimes::Track* TrackTimes::first_track() const {
  const auto earlier = [](const Track& a, const Track& b) {
    return std::tuple(a.kind == Kind::kOther, a.first, !a.begun) < std::tuple(b.kind == Kind::kOther, b.first, !b.begun);
  };
  return &*std::min_element(tracks_.begin(), tracks_.end(), earlier);
}

/// The medium's time as the annotated video's.
GstClockTime TrackTimes::shifted(GstClockTime running) const {
  const std::lock_guard lock(mutex_);
  const GstClockTime start = start_.value_or(0);
  return running > start ? running - start : 0;
}

}  // namespace fmpn::annotate
