#include "media_pipeline.h"

#include <algorithm>
#include <filesystem>

#include <gst/video/video.h>

#include <fmpn/error.h>

#include "narrow_range.h"
#include "picture_source.h"

namespace fmpn::annotate {
namespace {

constexpr gint64 kStallSeconds = 300;
constexpr gint64 kFirstFrameSeconds = 60;  // of a file
constexpr gint64 kErrorSeconds = 1;        // for an error that is on its way
constexpr int kSecondsToEnd = 20;  ///< after an interruption, for the encoder and the muxer to finish their files

bool exists(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (factory == nullptr) return false;
  gst_object_unref(factory);
  return true;
}

/// The first of these encoders that is installed.
const char* audio_encoder(Video video) {
  if (video != Video::kMp4) return "opusenc";
  for (const char* name : {"avenc_aac", "fdkaacenc", "voaacenc"})
    if (exists(name)) return name;
  throw Error(ErrorCode::kBadSetting, "no AAC encoder is installed (gstreamer1.0-libav has one), which an mp4's sound needs");
}

/// No B-frames: each picture leaves the encoder at its own time, and the file's times are the input's. No h264parse: it puts durations of
/// its own in place of the frames', next to nothing where the film has no frame rate, and a last frame that lasts for nothing is lost.
constexpr const char* kH264 =
    "x264enc name=encoder speed-preset=veryfast pass=qual quantizer=22 bframes=0 key-int-max=60 ! video/x-h264,profile=high";

std::string encoding(const Input& input, Video video) {
  if (video == Video::kNone) return "fakesink";
  if (input.image) return "videoconvert ! jpegenc name=encoder quality=92 ! filesink name=file";
  std::string text =
      "videoscale add-borders=true ! capsfilter name=size ! videoconvert ! capsfilter name=tones caps=video/x-raw,format=I420 ! ";
  if (video == Video::kMp4) return text + kH264 + " ! mp4mux name=mux ! filesink name=file";
  if (video == Video::kMkv) return text + kH264 + " ! matroskamux name=mux ! filesink name=file";
  return text +
         "vp8enc name=encoder deadline=1 cpu-used=8 threads=2 end-usage=cq cq-level=20 target-bitrate=4000000 keyframe-max-dist=60 ! "
         "webmmux name=mux ! filesink name=file";
}

/// The pipeline as one would type it after gst-launch-1.0; names are filled in afterwards.
std::string description(const Input& input, const Options& options) {
  // Pictures are not left to GStreamer's decoders: those overlook the EXIF orientation, and know fewer kinds than OpenCV.
  std::string text = input.image ? "appsrc name=picture format=time ! " : "uridecodebin name=decoder ";
  text +=
      "queue name=video max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! videoconvert ! videoflip video-direction=auto ! videoscale "
      "name=scale ! "
      "capsfilter name=square ! fmpnalign name=align use-orientation=false ! fmpnclassify name=classify mode=sync ! ";
  for (const record::Format format : options.data)
    text += std::string("fmpnrecord name=") + record::name_of(format) + " format=" + record::name_of(format) + " ! ";
  // Encoding has a thread of its own: the elements work on the next frame meanwhile.
  text += "identity name=tap silent=true ! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! ";
  if (options.video != Video::kNone) text += "fmpnoverlay name=overlay ! ";
  return text + encoding(input, options.video);
}

/// For sound of more than two channels that have no positions (of a recorder's microphones, say), which encoders do not take: a piece of
/// pipeline that mixes all of them, alike, into both channels of stereo. Empty for all other sound.
std::string mix_down(GstPad* pad) {
  GstCaps* caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) return {};
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gint channels = 0;
  guint64 mask = 0;
  gst_structure_get_int(structure, "channels", &channels);
  gst_structure_get(structure, "channel-mask", GST_TYPE_BITMASK, &mask, nullptr);
  gst_caps_unref(caps);
  if (channels <= 2 || mask != 0) return {};
  gchar share[G_ASCII_DTOSTR_BUF_SIZE];  // with a decimal point in every locale
  g_ascii_dtostr(share, sizeof share, 1.0 / channels);
  std::string row;
  for (gint i = 0; i < channels; ++i) row += std::string(i == 0 ? "(float)" : ", (float)") + share;
  return "audioconvert mix-matrix=\"<<" + row + ">, <" + row + ">>\" ! audio/x-raw,channels=2,channel-mask=(bitmask)0x3 ! ";
}

/// Whether an element is a demuxer that reads its file itself, has stopped doing so, and has found no stream in it.
gint has_given_up(gconstpointer value, gconstpointer) {
  GstElement* element = GST_ELEMENT(g_value_get_object(static_cast<const GValue*>(value)));
  GstElementFactory* factory = gst_element_get_factory(element);
  if (factory == nullptr || !gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_DEMUXER)) return 1;
  const Owned<GstPad> sink(gst_element_get_static_pad(element, "sink"));
  GST_OBJECT_LOCK(element);
  const bool has_streams = element->numsrcpads > 0;
  GST_OBJECT_UNLOCK(element);
  return sink && gst_pad_get_task_state(sink.get()) == GST_TASK_PAUSED && !has_streams ? 0 : 1;
}

bool demuxer_has_given_up(GstElement* pipeline) {
  GValue found = G_VALUE_INIT;
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
  const bool any = gst_iterator_find_custom(elements, has_given_up, &found, nullptr);
  gst_iterator_free(elements);
  if (any) g_value_unset(&found);
  return any;
}

/// What went wrong, with the detail that elements put behind a general sentence.
std::string text_of(const GError* error, const gchar* debug) {
  std::string text = error->message;
  const std::string detail = debug != nullptr ? debug : "";
  const std::size_t line = detail.rfind('\n');
  const std::string last = line == std::string::npos ? "" : detail.substr(line + 1);
  if (!last.empty() && last.find("streaming stopped") == std::string::npos && last != text) text += " (" + last + ")";
  return text;
}

/// Of caps events; false for all others.
bool video_info_of(GstEvent* event, GstVideoInfo* video) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return false;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  return gst_video_info_from_caps(video, caps);
}

/// Lets nothing but raw video of this size with square pixels pass a capsfilter.
void allow_only(GstElement* capsfilter, int width, int height) {
  GstCaps* wanted = gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, width, "height", G_TYPE_INT, height, "pixel-aspect-ratio",
                                        GST_TYPE_FRACTION, 1, 1, nullptr);
  g_object_set(capsfilter, "caps", wanted, nullptr);
  gst_caps_unref(wanted);
}

}  // namespace

std::string MediaPipeline::video_file(const Input& input, const Options& options, const std::string& stem) {
  if (options.video == Video::kNone) return {};
  return stem + (input.image ? ".jpg" : std::string(".") + suffix_of(options.video));
}

MediaPipeline::MediaPipeline(const Input& input, const Options& options, const std::string& folder, const std::string& stem,
                             Summary* summary, Thumbnails* thumbnails, Meter* meter)
    : video_(options.video), picture_(input.image ? input.path : ""), meter_(meter) {
  GError* error = nullptr;
  GstElement* made = gst_parse_launch_full(description(input, options).c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (made == nullptr) {
    const std::string what = error->message;
    g_error_free(error);
    throw Error(ErrorCode::kBadSetting, what + " (is GST_PLUGIN_PATH set? in a build tree `meson devenv -C build` does it)");
  }
  pipeline_.reset(made);
  configure(input, options, folder, stem);
  const Owned<GstElement> tap(element("tap")), video(element("video"));
  const Owned<GstPad> tap_pad(gst_element_get_static_pad(tap.get(), "src")), video_pad(gst_element_get_static_pad(video.get(), "sink"));
  tap_ = std::make_unique<FrameTap>(tap_pad.get(), summary, thumbnails, meter);
  gst_pad_add_probe(video_pad.get(), GST_PAD_PROBE_TYPE_BUFFER, count, &decoded_, nullptr);
  const Owned<GstElement> scale(element("scale"));
  const Owned<GstPad> scale_pad(gst_element_get_static_pad(scale.get(), "sink"));
  gst_pad_add_probe(scale_pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, make_square, this, nullptr);
  if (const Owned<GstElement> encoder(element("encoder")); encoder) {
    const Owned<GstPad> out(gst_element_get_static_pad(encoder.get(), "src"));
    gst_pad_add_probe(out.get(), GST_PAD_PROBE_TYPE_BUFFER, count, &encoded_, nullptr);
  }
  if (const Owned<GstElement> overlay(element("overlay")); overlay && !input.image) {
    const Owned<GstPad> out(gst_element_get_static_pad(overlay.get(), "src"));
    gst_pad_add_probe(out.get(), static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER), fix_output,
                      this, nullptr);
  }
  if (const Owned<GstElement> decoder(element("decoder")); decoder) {
    g_signal_connect(decoder.get(), "pad-added", G_CALLBACK(pad_added), this);
    g_signal_connect(decoder.get(), "no-more-pads", G_CALLBACK(no_more_pads), this);
  }
}

MediaPipeline::~MediaPipeline() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  if (GstPad* pad = decoded_pad_) gst_object_unref(pad);
}

GstElement* MediaPipeline::element(const char* name) const { return gst_bin_get_by_name(GST_BIN(pipeline_.get()), name); }

void MediaPipeline::configure(const Input& input, const Options& options, const std::string& folder, const std::string& stem) {
  namespace fs = std::filesystem;
  const auto set = [&](const char* name, const std::string& property, const std::string& value) {
    const Owned<GstElement> owner(element(name));
    if (!owner) return;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(owner.get()), property.c_str()) == nullptr)
      throw Error(ErrorCode::kBadSetting,
                  std::string(GST_OBJECT_NAME(gst_element_get_factory(owner.get()))) + " has no property " + property);
    gst_util_set_object_arg(G_OBJECT(owner.get()), property.c_str(), value.c_str());
  };
  const auto set_path = [&](const char* name, const char* property, const std::string& value) {
    if (const Owned<GstElement> owner(element(name)); owner) g_object_set(owner.get(), property, value.c_str(), nullptr);
  };
  set_path("decoder", "uri", input.uri);
  local_ = g_str_has_prefix(input.uri.c_str(), "file:");
  set_path("classify", "model", options.model);
  set("classify", "device", options.device);
  set("classify", "precision", options.precision);
  set("classify", "threads", std::to_string(options.threads));
  if (input.image) set("align", "detect-interval", "1");
  for (const auto& [property, value] : options.align) {
    if (property == "landmark-model") set_path("align", "landmark-model", value);
    else set("align", property, value);
  }
  for (const auto& [property, value] : options.classify) set("classify", property, value);
  for (const auto& [property, value] : options.overlay) set("overlay", property, value);
  for (const record::Format format : options.data)
    set_path(record::name_of(format), "location", (fs::path(folder) / (stem + "." + record::name_of(format))).string());
  set_path("file", "location", (fs::path(folder) / video_file(input, options, stem)).string());
}

GstPadProbeReturn MediaPipeline::count(GstPad*, GstPadProbeInfo*, gpointer counter) {
  ++*static_cast<std::atomic<std::uint64_t>*>(counter);
  return GST_PAD_PROBE_OK;
}

/// The elements see square pixels, of the film's own height: left to itself the scaler would take the size that the encoder has by now.
GstPadProbeReturn MediaPipeline::make_square(GstPad*, GstPadProbeInfo* info, gpointer self) {
  GstVideoInfo video;
  if (!video_info_of(GST_PAD_PROBE_INFO_EVENT(info), &video)) return GST_PAD_PROBE_OK;
  const Owned<GstElement> square(static_cast<MediaPipeline*>(self)->element("square"));
  const auto width =
      gst_util_uint64_scale_round(static_cast<guint64>(video.width), static_cast<guint64>(video.par_n), static_cast<guint64>(video.par_d));
  allow_only(square.get(), std::max(1, static_cast<int>(width)), video.height);
  return GST_PAD_PROBE_OK;
}

/// The first frame's size is the file's, rounded up to even sides (4:2:0): a stream whose size changes is fitted into it, and one whose
/// tones do is converted. The caps that count are the last before that frame: those of a film that lies on its side may come before the
/// tag that turns it.
GstPadProbeReturn MediaPipeline::fix_output(GstPad*, GstPadProbeInfo* info, gpointer self) {
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0) return GST_PAD_PROBE_REMOVE;
  GstVideoInfo video;
  if (!video_info_of(GST_PAD_PROBE_INFO_EVENT(info), &video)) return GST_PAD_PROBE_OK;
  const auto& media = *static_cast<MediaPipeline*>(self);
  const Owned<GstElement> size(media.element("size")), tones(media.element("tones"));
  allow_only(size.get(), (video.width + 1) / 2 * 2, (video.height + 1) / 2 * 2);
  allow_only_narrow_range(tones.get(), video);
  return GST_PAD_PROBE_OK;
}

void MediaPipeline::pad_added(GstElement*, GstPad* pad, gpointer self) {
  auto& media = *static_cast<MediaPipeline*>(self);
  GstCaps* caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) caps = gst_pad_query_caps(pad, nullptr);
  const std::string type = gst_caps_is_empty(caps) || gst_caps_is_any(caps) ? "" : gst_structure_get_name(gst_caps_get_structure(caps, 0));
  gst_caps_unref(caps);
  if (type == "video/x-raw" && !media.has_video_.exchange(true)) media.link_video(pad);
  else if (type == "audio/x-raw" && !media.has_audio_.exchange(true)) media.link_audio(pad);
  else media.link_other(pad);
}

void MediaPipeline::no_more_pads(GstElement*, gpointer self) {
  auto& media = *static_cast<MediaPipeline*>(self);
  if (!media.has_video_) media.no_video_ = true;
}

void MediaPipeline::link_video(GstPad* pad) {
  const Owned<GstElement> queue(element("video"));
  const Owned<GstPad> sink(gst_element_get_static_pad(queue.get(), "sink"));
  decoded_pad_ = GST_PAD(gst_object_ref(pad));
  if (gst_pad_link(pad, sink.get()) == GST_PAD_LINK_OK) tracks_.watch(sink.get(), TrackTimes::Kind::kVideo);
  else no_video_ = true;
}

void MediaPipeline::link_audio(GstPad* pad) {
  const Owned<GstElement> mux(element("mux"));
  // The encoder of the video holds some frames back: the sound that comes before them has to wait for the muxer.
  std::string text = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=20000000000 ! ";
  if (mux) text += mix_down(pad) + "audioconvert ! audioresample ! " + audio_encoder(video_);
  else text += "fakesink async=false";
  if (mux && video_ == Video::kMp4) text += " ! aacparse";
  GstElement* bin = gst_parse_bin_from_description(text.c_str(), TRUE, nullptr);
  if (bin == nullptr) return;
  gst_bin_add(GST_BIN(pipeline_.get()), bin);
  if (mux) gst_element_link_pads(bin, "src", mux.get(), "audio_%u");
  gst_element_sync_state_with_parent(bin);
  const Owned<GstPad> sink(gst_element_get_static_pad(bin, "sink"));
  if (gst_pad_link(pad, sink.get()) == GST_PAD_LINK_OK) tracks_.watch(sink.get(), TrackTimes::Kind::kSound);
}

/// A second language, subtitles: in no output, but decoded to the end, since the file's length may be theirs.
void MediaPipeline::link_other(GstPad* pad) {
  GstElement* nowhere = gst_element_factory_make("fakesink", nullptr);
  if (nowhere == nullptr) return;
  g_object_set(nowhere, "async", FALSE, "sync", FALSE, nullptr);
  gst_bin_add(GST_BIN(pipeline_.get()), nowhere);
  gst_element_sync_state_with_parent(nowhere);
  const Owned<GstPad> sink(gst_element_get_static_pad(nowhere, "sink"));
  if (gst_pad_link(pad, sink.get()) == GST_PAD_LINK_OK) tracks_.watch(sink.get(), TrackTimes::Kind::kOther);
}

/// True where the message ends the run.
bool MediaPipeline::handle(GstMessage* message, MediaResult* result) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) return true;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) {
    const GstStructure* structure = gst_message_get_structure(message);
    const gchar* name = gst_structure_get_string(structure, "name");
    if (gst_structure_has_name(structure, "missing-plugin") && name != nullptr) missing_ = name;
    return false;
  }
  GError* error = nullptr;
  gchar* debug = nullptr;
  const bool fatal = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  fatal ? gst_message_parse_error(message, &error, &debug) : gst_message_parse_warning(message, &error, &debug);
  std::string text = text_of(error, debug);
  g_error_free(error);
  g_free(debug);
  if (fatal) throw Error(ErrorCode::kRuntime, missing_.empty() ? text : text + " (no " + missing_ + " is installed)");
  if (std::find(result->warnings.begin(), result->warnings.end(), text) == result->warnings.end() && result->warnings.size() < 20)
    result->warnings.push_back(std::move(text));
  return false;
}

void MediaPipeline::update_duration() {
  GstPad* pad = decoded_pad_;
  gint64 duration = 0;
  if (meter_->duration <= 0 && pad != nullptr && gst_pad_query_duration(pad, GST_FORMAT_TIME, &duration) && duration > 0)
    meter_->duration = static_cast<double>(duration) / GST_SECOND;
}

void MediaPipeline::watch_for_stall() const {
  const gint64 now = g_get_monotonic_time();
  const std::uint64_t frames = decoded_ + encoded_ + meter_->frames;
  if (stall_since_ == 0 || frames != stall_frames_) {
    stall_frames_ = frames;
    stall_since_ = now;
  }
  // decodebin loses the error of a demuxer that fails in the moment of its start.
  if (frames > 0 || !local_ || !demuxer_has_given_up(pipeline_.get())) given_up_since_ = 0;
  else if (given_up_since_ == 0) given_up_since_ = now;
  else if (now - given_up_since_ > kErrorSeconds * G_USEC_PER_SEC)
    throw Error(ErrorCode::kRuntime, "no stream is found in it: it is damaged, or cut off");
  const gint64 patience = frames == 0 && local_ ? kFirstFrameSeconds : kStallSeconds;
  if (now - stall_since_ > patience * G_USEC_PER_SEC)
    throw Error(ErrorCode::kRuntime, "no frame has come for " + std::to_string(patience) + " seconds");
}

MediaResult MediaPipeline::run(const std::atomic<bool>& stop) {
  MediaResult result;
  const Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);  // a failure is an error message too
  if (!picture_.empty()) {
    const Owned<GstElement> source(element("picture"));
    feed_picture(source.get(), picture_);
  }
  constexpr auto kWanted = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);
  gint64 give_up = 0;
  for (bool over = false; !over;) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), 100 * GST_MSECOND, kWanted);
    if (message != nullptr) {
      const std::unique_ptr<GstMessage, void (*)(GstMessage*)> owned(message, gst_message_unref);
      over = handle(message, &result);
    }
    if (no_video_)
      throw Error(ErrorCode::kRuntime,
                  missing_.empty() ? "it has no video" : "its video needs a decoder that is not installed: " + missing_);
    update_duration();
    watch_for_stall();
    if (stop && !result.interrupted && !over) {
      result.interrupted = true;
      give_up = g_get_monotonic_time() + kSecondsToEnd * G_USEC_PER_SEC;
      gst_element_send_event(pipeline_.get(), gst_event_new_eos());
    }
    if (give_up != 0 && g_get_monotonic_time() > give_up) break;
  }
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  result.decoded = decoded_;
  result.encoded = video_ == Video::kNone ? result.decoded : encoded_.load();
  result.announced = meter_->duration;
  result.reached = tracks_.end();
  result.width = tap_->width();
  result.height = tap_->height();
  return result;
}

}  // namespace fmpn::annotate
