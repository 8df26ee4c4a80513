#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "photograph.h"
#include "temporary_folder.h"

namespace fmpn::test {

/// Runs a pipeline to its end and takes it down; throws with the error's text.
inline void run_to_end(GstElement* pipeline, const std::string& what) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  std::string fault = end == nullptr ? "no end within a minute" : "";
  if (end != nullptr && GST_MESSAGE_TYPE(end) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(end, &error, nullptr);
    fault = error->message;
    g_error_free(error);
  }
  if (end != nullptr) gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  if (!fault.empty()) throw std::runtime_error(what + ": " + fault);
}

/// A pad of a pipeline, and what is called with its buffers.
struct Probe {
  const char* element;
  const char* pad;
  GstPadProbeCallback call;
  gpointer data;
};

/// Runs what one would type after gst-launch-1.0. Probes of elements that are not in it are passed over.
inline void run_pipeline(const std::string& launch, const std::vector<Probe>& probes = {}) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(launch.c_str(), &error);
  if (error != nullptr) throw std::runtime_error(error->message);
  for (const Probe& probe : probes) {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), probe.element);
    if (element == nullptr) continue;
    GstPad* pad = gst_element_get_static_pad(element, probe.pad);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, probe.call, probe.data, nullptr);
    gst_object_unref(pad);
    gst_object_unref(element);
  }
  run_to_end(pipeline, launch);
}

struct VideoSpec {
  int frames = 8;
  int width = 256, height = 300;
  std::string format = "I420";
  std::string encoder = "x264enc tune=zerolatency speed-preset=ultrafast";
  std::string muxer = "mp4mux";  ///< the file's container
  bool sound = false;
  std::string caps;    ///< more of the video's caps: ",pixel-aspect-ratio=2/1"
  std::string filter;  ///< elements before the encoder, each with " ! " behind it
};

/// A film of the photograph at 10 frames a second: every frame has its face, if the size allows to find it.
inline void make_video(const std::string& path, const VideoSpec& spec = {}) {
  std::string launch =
      std::string("filesrc location=") + photograph_path() + " ! jpegdec ! imagefreeze num-buffers=" + std::to_string(spec.frames) +
      " ! video/x-raw,framerate=10/1 ! videoscale add-borders=false ! video/x-raw,width=" + std::to_string(spec.width) +
      ",height=" + std::to_string(spec.height) + spec.caps + " ! videoconvert ! " + spec.filter + "video/x-raw,format=" + spec.format +
      " ! " + spec.encoder + " ! " + spec.muxer + " name=mux ! filesink location=\"" + path + "\"";
  if (spec.sound)
    launch += " audiotestsrc volume=0.1 samplesperbuffer=800 num-buffers=" + std::to_string(spec.frames) +
              " ! audio/x-raw,rate=8000 ! audioresample ! audio/x-raw,rate=48000 ! avenc_aac ! mux.";
  run_pipeline(launch);
}

/// Has an mp4 say, as a phone's does, that its video is to be shown turned by 90 degrees clockwise: in its track's matrix, since not
/// every version of GStreamer's muxer writes the tag.
inline void turn_in_file(const std::string& path) {
  std::string bytes = read_text(path);
  const std::size_t track = bytes.find("tkhd");
  if (track == std::string::npos) throw std::runtime_error(path + ": has no track");
  const std::size_t matrix = track + (bytes.at(track + 4) == 0 ? 44 : 56);
  constexpr std::array<std::uint32_t, 9> kQuarter{0, 0x00010000, 0, 0xffff0000, 0, 0, 0, 0, 0x40000000};
  for (std::size_t i = 0; i < kQuarter.size(); ++i)
    for (std::size_t k = 0; k < 4; ++k) bytes.at(matrix + 4 * i + k) = static_cast<char>(kQuarter[i] >> (24 - 8 * k));
  write_text(path, bytes);
}

/// A camera's JPEGs as a film: all 256 tones are used (full range).
inline VideoSpec camera_jpegs() {
  VideoSpec spec;
  spec.encoder = "jpegenc quality=95";
  spec.muxer = "avimux";
  return spec;
}

/// A screen recorder's film: full range, which stands in Matroska's header, of BT.709.
inline VideoSpec full_range_recording() {
  VideoSpec spec;
  spec.muxer = "matroskamux";
  spec.format = "I420,colorimetry=1:3:5:1";
  return spec;
}

/// What a media file decodes to.
struct Decoded {
  int frames = 0;  ///< of the video
  int sounds = 0;  ///< buffers of sound
  int width = 0, height = 0;
  double seconds = 0;         ///< end of the last frame
  std::vector<double> times;  ///< of the frames, in seconds
};

inline GstPadProbeReturn count_decoded(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto& result = *static_cast<Decoded*>(data);
  GstCaps* caps = gst_pad_get_current_caps(pad);
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  if (gst_structure_get_int(structure, "width", &result.width) && gst_structure_get_int(structure, "height", &result.height)) {
    const GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    ++result.frames;
    result.times.push_back(static_cast<double>(GST_BUFFER_PTS(buffer)) / GST_SECOND);
    if (GST_BUFFER_DURATION_IS_VALID(buffer))
      result.seconds = static_cast<double>(GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer)) / GST_SECOND;
  } else {
    ++result.sounds;
  }
  gst_caps_unref(caps);
  return GST_PAD_PROBE_OK;
}

/// Decodes a whole file. Throws where that fails.
inline Decoded decode(const std::string& path, bool sound) {
  Decoded result;
  const std::string launch =
      "filesrc location=\"" + path + "\" ! decodebin name=d d. ! video/x-raw ! queue name=q0 ! fakesink" +
      (sound ? " d. ! audio/x-raw ! queue name=q1 max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! fakesink" : "");
  run_pipeline(launch, {{"q0", "src", count_decoded, &result}, {"q1", "src", count_decoded, &result}});
  return result;
}

}  // namespace fmpn::test
