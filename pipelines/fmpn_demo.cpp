// fmpn-demo: the main job on a photograph, a file or a camera. Writes an annotated video and prints what it read.
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gst/app/gstappsrc.h>
#include <gst/base/gstbasesink.h>
#include <gst/gst.h>

#include <fmpn/error.h>

#include "annotate/gst_owned.h"
#include "common/face_annotation.h"
#include "demo_pan.h"
#include "narrow_range.h"

namespace {

using namespace fmpn;
using annotate::Owned;
using gst::FaceAnnotation;

constexpr const char* kPhotograph = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg";
constexpr int kWidth = 640;
constexpr int kHeight = 480;
constexpr int kFrames = 240;
constexpr int kFramesPerSecond = 30;

std::atomic<bool> g_interrupted{false};

/// What was seen of one face over the whole stream.
struct FaceSummary {
  int frames = 0;
  int classified = 0;  ///< live, a frame may go on before the network has answered
  Box box;             ///< the last one
  std::optional<gst::ExpressionAnnotation> expression;  ///< the last one
  std::map<std::string, double> sum;  ///< of the distributions
};

struct Tally {
  int frames = 0;
  int frames_with_face = 0;
  std::map<int, FaceSummary> faces;
};

/// Runs in the streaming thread, on every frame that has passed fmpnclassify.
GstPadProbeReturn count_faces(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& tally = *static_cast<Tally*>(data);
  const auto faces = gst::read_faces(gst_pad_probe_info_get_buffer(info));
  ++tally.frames;
  if (!faces.empty()) ++tally.frames_with_face;
  for (const FaceAnnotation& face : faces) {
    FaceSummary& summary = tally.faces[face.id];
    ++summary.frames;
    summary.box = face.box;
    if (!face.expression) continue;
    ++summary.classified;
    summary.expression = face.expression;
    for (const auto& [name, p] : face.expression->distribution) summary.sum[name] += p;
  }
  return GST_PAD_PROBE_OK;
}

/// Runs before the first frame leaves fmpnoverlay: `tones` is the capsfilter before the encoder.
GstPadProbeReturn narrow_tones(GstPad*, GstPadProbeInfo* info, gpointer tones) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return GST_PAD_PROBE_OK;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  if (GstVideoInfo video; gst_video_info_from_caps(&video, caps)) allow_only_narrow_range(GST_ELEMENT(tones), video);
  return GST_PAD_PROBE_OK;
}

void print(const Tally& tally) {
  std::printf("%d frames, %d with a face (%.1f %%)\n", tally.frames, tally.frames_with_face,
              tally.frames > 0 ? 100.0 * tally.frames_with_face / tally.frames : 0.0);
  for (const auto& [id, face] : tally.faces) {
    const Box& box = face.box;
    std::printf("face %d: %d frames, last box x=%.0f y=%.0f w=%.0f h=%.0f", id, face.frames, static_cast<double>(box.x),
                static_cast<double>(box.y), static_cast<double>(box.width), static_cast<double>(box.height));
    if (face.expression) {
      std::printf(", label %s (%.0f %%)\n  mean distribution:", face.expression->label.c_str(), 100 * face.expression->confidence);
      for (const auto& [name, p] : face.expression->distribution) std::printf(" %s %.3f", name.c_str(), face.sum.at(name) / face.classified);
    }
    std::printf("\n");
  }
}

std::string quoted(const std::string& text) {
  gchar* escaped = g_strescape(text.c_str(), nullptr);
  std::string result = "\"" + std::string(escaped) + "\"";
  g_free(escaped);
  return result;
}

bool is_camera(const std::string& input) { return input.rfind("/dev/video", 0) == 0; }

/// The pipeline as one would type it after gst-launch-1.0.
std::string description(const std::string& input, const std::string& output) {
  const std::string elements = " ! fmpnalign name=align ! fmpnclassify name=classify ! fmpnoverlay name=overlay ! ";
  const std::string file =
      "videoconvert ! capsfilter name=tones caps=video/x-raw,format=I420 ! "
      "x264enc speed-preset=veryfast tune=zerolatency ! video/x-h264,profile=high ! h264parse ! mp4mux ! filesink location=" +
      quoted(output);
  if (is_camera(input)) {
    const bool display = std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr;
    return "v4l2src device=" + quoted(input) + elements +
           (display ? "autovideosink sync=false" : "queue ! " + file);
  }
  if (!input.empty()) return "uridecodebin name=decoder ! videoscale ! video/x-raw,pixel-aspect-ratio=1/1" + elements + file;
  return "appsrc name=source format=time" + elements + file;
}

/// Hands the photograph's frames to the pipeline, one each time it asks.
struct Feeder {
  explicit Feeder(const std::string& photograph) : pan(photograph, kWidth, kHeight, kFrames) {}
  demo::PhotographPan pan;
  int next = 0;
};

void feed(GstAppSrc* source, guint, gpointer data) {
  auto& feeder = *static_cast<Feeder*>(data);
  if (feeder.next == feeder.pan.frames()) {
    gst_app_src_end_of_stream(source);
    return;
  }
  const Image picture = feeder.pan.frame(feeder.next);
  GstBuffer* buffer = gst_buffer_new_memdup(picture.pixels.data(), picture.pixels.size());
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale_int(static_cast<guint64>(feeder.next), GST_SECOND, kFramesPerSecond);
  GST_BUFFER_DURATION(buffer) = GST_SECOND / kFramesPerSecond;
  ++feeder.next;
  gst_app_src_push_buffer(source, buffer);
}

/// The text of an error message, with the element that posted it.
std::string text_of(GstMessage* message) {
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = std::string(GST_OBJECT_NAME(GST_MESSAGE_SRC(message))) + ": " + error->message;
  g_error_free(error);
  return text;
}

/// How a stream ended.
struct End {
  std::string fault;   ///< empty: none
  bool whole = false;  ///< everything that came before is in the file
};

/// Waits for the end of the stream. An interruption ends it in order, and so does a fault upstream of `align`: the file then holds all the
/// frames that came before. Not so where the file itself could not be written.
End run(GstElement* pipeline, GstElement* align) {
  Owned<GstBus> bus(gst_element_get_bus(pipeline));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  constexpr auto kEnds = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  constexpr int kPatience = 50;  // fifths of a second for the rest of the pipeline to finish after a fault
  End end;
  bool ending = false, written = true;
  for (int waited = 0; end.fault.empty() || waited < kPatience; waited += end.fault.empty() ? 0 : 1) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), 200 * GST_MSECOND, kEnds);
    if (message == nullptr) {
      if (g_interrupted && !std::exchange(ending, true)) gst_element_send_event(pipeline, gst_event_new_eos());
      continue;
    }
    const bool ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (!ended && GST_IS_BASE_SINK(GST_MESSAGE_SRC(message))) written = false;
    if (!ended && end.fault.empty()) {
      end.fault = text_of(message);
      Owned<GstPad> pad(gst_element_get_static_pad(align, "sink"));
      if (!gst_pad_send_event(pad.get(), gst_event_new_eos())) waited = kPatience;
    }
    gst_message_unref(message);
    if (!ended) continue;
    end.whole = written;
    break;
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return end;
}

/// The photograph's frames, where the pipeline has a source for them.
std::unique_ptr<Feeder> feed_photograph(GstElement* pipeline) {
  Owned<GstElement> source{gst_bin_get_by_name(GST_BIN(pipeline), "source")};
  if (!source) return nullptr;
  auto feeder = std::make_unique<Feeder>(kPhotograph);
  GstCaps* caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGB", "width", G_TYPE_INT, kWidth, "height", G_TYPE_INT,
                                      kHeight, "framerate", GST_TYPE_FRACTION, kFramesPerSecond, 1, nullptr);
  gst_app_src_set_caps(GST_APP_SRC(source.get()), caps);
  gst_caps_unref(caps);
  GstAppSrcCallbacks callbacks{};
  callbacks.need_data = feed;
  gst_app_src_set_callbacks(GST_APP_SRC(source.get()), &callbacks, feeder.get(), nullptr);
  return feeder;
}

/// A video has its name only when it is whole, and what had that name stays until then; without a single frame there is none.
void settle(const std::string& partial, const std::string& output, const Tally& tally, bool whole) {
  namespace fs = std::filesystem;
  std::error_code fault;
  if (!fs::exists(partial)) return;  // a window, no file
  if (tally.frames == 0) {
    fs::remove(partial, fault);
    return;
  }
  if (!whole) {
    std::printf("%s is not whole\n", partial.c_str());
    return;
  }
  fs::rename(partial, output, fault);
  if (fault) throw Error(ErrorCode::kIo, output + ": cannot be written (" + fault.message() + ")");
  std::printf("wrote %s\n", output.c_str());
}

int demonstrate(const std::string& input, const std::string& output) {
  namespace fs = std::filesystem;
  if (!input.empty() && !fs::exists(input)) throw Error(ErrorCode::kNotFound, input + ": no such file or camera");
  if (fs::exists(output) && !fs::is_regular_file(output)) throw Error(ErrorCode::kBadSetting, output + ": is there, and no file");
  if (fs::path(output).has_parent_path()) {
    std::error_code fault;
    fs::create_directories(fs::path(output).parent_path(), fault);
    if (fault) throw Error(ErrorCode::kIo, output + ": its folder cannot be made (" + fault.message() + ")");
  }
  const std::string partial = output + ".partial";
  for (const std::string& name : {output, partial}) {
    std::error_code missing;
    if (!input.empty() && fs::equivalent(input, name, missing))
      throw Error(ErrorCode::kBadSetting, name + ": would be written over the input");
  }
  GError* error = nullptr;
  Owned<GstElement> pipeline(gst_parse_launch(description(input, partial).c_str(), &error));
  if (error != nullptr) {
    const std::string what = error->message;
    g_error_free(error);
    throw Error(ErrorCode::kBadSetting, what + " (is GST_PLUGIN_PATH set? `meson devenv -C build` does it)");
  }
  Tally tally;
  const auto feeder = feed_photograph(pipeline.get());
  if (Owned<GstElement> decoder{gst_bin_get_by_name(GST_BIN(pipeline.get()), "decoder")}) {
    gchar* uri = gst_filename_to_uri(input.c_str(), nullptr);
    g_object_set(decoder.get(), "uri", uri, nullptr);
    g_free(uri);
  }
  Owned<GstElement> align(gst_bin_get_by_name(GST_BIN(pipeline.get()), "align"));
  Owned<GstElement> classify(gst_bin_get_by_name(GST_BIN(pipeline.get()), "classify"));
  Owned<GstPad> pad(gst_element_get_static_pad(classify.get(), "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, count_faces, &tally, nullptr);
  const Owned<GstElement> overlay(gst_bin_get_by_name(GST_BIN(pipeline.get()), "overlay"));
  const Owned<GstElement> tones(gst_bin_get_by_name(GST_BIN(pipeline.get()), "tones"));
  if (tones) {  // a file, no window
    const Owned<GstPad> drawn(gst_element_get_static_pad(overlay.get(), "src"));
    gst_pad_add_probe(drawn.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, narrow_tones, tones.get(), nullptr);
  }
  const End end = run(pipeline.get(), align.get());
  print(tally);
  settle(partial, output, tally, end.whole);
  if (!end.fault.empty()) throw Error(ErrorCode::kRuntime, (input.empty() ? output : input) + ": " + end.fault);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, [](int) { g_interrupted = true; });
  std::signal(SIGTERM, [](int) { g_interrupted = true; });
  gst_init(&argc, &argv);
  if (argc > 3 || (argc > 1 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h"))) {
    std::printf("usage: fmpn-demo [FILE | /dev/videoN [OUTPUT.mp4]]\n"
                "Without an argument: a pan over Debian's photograph of Grace Hopper. Writes out/demo.mp4.\n");
    return argc > 3 ? 2 : 0;
  }
  try {
    return demonstrate(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "out/demo.mp4");
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "fmpn-demo: %s\n", fault.what());
    return 1;
  }
}
