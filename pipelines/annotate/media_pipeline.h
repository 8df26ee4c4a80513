#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "frame_tap.h"
#include "gst_owned.h"
#include "inputs.h"
#include "options.h"
#include "track_times.h"

namespace fmpn::annotate {

/// What a pipeline has done when it is over.
struct MediaResult {
  bool interrupted = false;              ///< ended by `stop`; the files are whole as far as they go
  std::uint64_t decoded = 0;             ///< frames that came out of the decoder
  std::uint64_t encoded = 0;             ///< frames that came out of the encoder; as decoded without a video
  double announced = 0, reached = 0;     ///< seconds: what the medium says it has, and how far it went; 0: unknown
  int width = 0, height = 0;             ///< of the frames, upright and with square pixels
  std::vector<std::string> warnings;     ///< of the elements, each once
};

/// One input's way through GStreamer: decode → fmpnalign → fmpnclassify → fmpnrecord (one a format) → fmpnoverlay → encode, audio
/// beside it. Pictures are turned upright and made square-pixelled first: boxes are those of the picture as it is shown.
class MediaPipeline {
 public:
  /// Writes `folder`/`stem`.<suffix> for the video and each data format.
  /// Throws kBadSetting where an element is missing or cannot be set so.
  MediaPipeline(const Input& input, const Options& options, const std::string& folder, const std::string& stem, Summary* summary,
                Thumbnails* thumbnails, Meter* meter);
  ~MediaPipeline();
  MediaPipeline(const MediaPipeline&) = delete;
  MediaPipeline& operator=(const MediaPipeline&) = delete;

  /// Runs to the end, or until `stop` becomes true. Throws kRuntime with what the elements have to say.
  MediaResult run(const std::atomic<bool>& stop);

  /// The name of the video file (or of the picture, for a still); empty without one.
  static std::string video_file(const Input& input, const Options& options, const std::string& stem);

 private:
  static void pad_added(GstElement* decoder, GstPad* pad, gpointer self);
  static void no_more_pads(GstElement* decoder, gpointer self);
  static GstPadProbeReturn count(GstPad* pad, GstPadProbeInfo* info, gpointer counter);
  static GstPadProbeReturn make_square(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn fix_output(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void link_video(GstPad* pad);
  void link_audio(GstPad* pad);
  void link_other(GstPad* pad);
  GstElement* element(const char* name) const;
  void configure(const Input& input, const Options& options, const std::string& folder, const std::string& stem);
  bool handle(GstMessage* message, MediaResult* result);
  void update_duration();
  void watch_for_stall() const;

  Video video_;
  std::string picture_;  ///< the file to read, where the input is a picture
  Owned<GstElement> pipeline_;
  std::unique_ptr<FrameTap> tap_;
  Meter* meter_;
  std::atomic<bool> has_video_{false}, has_audio_{false}, no_video_{false};
  std::atomic<std::uint64_t> decoded_{0}, encoded_{0};
  TrackTimes tracks_;
  std::atomic<GstPad*> decoded_pad_{nullptr};  ///< holds a reference once set
  std::string missing_;                        ///< a decoder that is not installed
  mutable std::uint64_t stall_frames_ = 0;
  bool local_ = false;  ///< the input is a file
  mutable gint64 stall_since_ = 0;
  mutable gint64 given_up_since_ = 0;  ///< the demuxer, before a first frame
};

}  // namespace fmpn::annotate
