#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>

#include <gst/gst.h>

namespace fmpn::annotate {

/// Gives the decoded tracks of a film the times that they have in the annotated video: from 0, where the first of the tracks that go into
/// it begins. A muxer puts that one there whatever its segment says; rows that were written before it have to say the same. The frames
/// of the video get times that grow from frame to frame, and durations: an encoder or a muxer drops what has none.
class TrackTimes {
 public:
  enum class Kind {
    kVideo,
    kSound,
    kOther  ///< in no output: only its end is of interest
  };

  /// Sees to what arrives at a pad. To be called before its first buffer; the pad's element has to end before this object does.
  void watch(GstPad* pad, Kind kind);

  /// Seconds, in the medium's own time, at which the last track ends, as far as it has been decoded.
  double end() const;

 private:
  struct Track {
    TrackTimes* owner;
    Kind kind;
    GstSegment segment{};
    bool begun = false;                          ///< its first buffer has come
    GstClockTime first = 0;                      ///< running time of that; before: it does not come earlier; NONE: it does not come
    GstClockTime last = GST_CLOCK_TIME_NONE;     ///< of the frame before
    GstClockTime frame_lasts = GST_SECOND / 25;  ///< as the caps say; a guess where they do not
  };

  static GstPadProbeReturn look(GstPad* pad, GstPadProbeInfo* info, gpointer track);
  GstPadProbeReturn event(Track& track, GstPadProbeInfo* info);
  GstPadProbeReturn gap(Track& track, GstPadProbeInfo* info);
  void buffer(Track& track, GstPadProbeInfo* info);
  static void mend(Track& track, GstBuffer* frame);
  void begin(Track& track, GstClockTime first);
  void not_before(Track& track, GstClockTime first);
  const Track* first_track() const;
  GstClockTime shifted(GstClockTime running) const;

  mutable std::mutex mutex_;  ///< guards all below
  std::condition_variable told_;
  std::list<Track> tracks_;            ///< of a track `begun` and `first`; all else in it is its streaming thread's
  std::optional<GstClockTime> start_;  ///< what is taken off all times
  GstClockTime end_ = 0;
};

}  // namespace fmpn::annotate
