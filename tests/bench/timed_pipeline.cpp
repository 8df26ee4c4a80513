#include "timed_pipeline.h"

#include <chrono>
#include <thread>

#include <gst/app/gstappsrc.h>

#include <fmpn/error.h>

#include "common/face_annotation.h"

namespace fmpn::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point from, Clock::time_point to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

}  // namespace

struct TimedPipeline::State {
  explicit State(const Scene& frames) : scene(frames) {}
  const Scene& scene;
  GstElement* pipeline = nullptr;
  int warm_up = 0;
  // Written by the streaming threads, read when they have ended.
  std::vector<Clock::time_point> entered, arrived;  ///< of each frame: into the first watched element, at the sink
  std::vector<std::vector<Clock::time_point>> left;  ///< of each watched element and frame
  std::size_t faces = 0;

  ~State() {
    if (pipeline == nullptr) return;
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }

  GstElement* element(const std::string& name) const {
    GstElement* found = gst_bin_get_by_name(GST_BIN(pipeline), name.c_str());
    if (found == nullptr) throw Error(ErrorCode::kBadSetting, "no element '" + name + "' in the pipeline");
    gst_object_unref(found);  // the pipeline holds it
    return found;
  }

  static void note(GstElement* element, const char* pad_name, std::vector<Clock::time_point>& times) {
    GstPad* pad = gst_element_get_static_pad(element, pad_name);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER,
                      [](GstPad*, GstPadProbeInfo*, gpointer list) {
                        static_cast<std::vector<Clock::time_point>*>(list)->push_back(Clock::now());
                        return GST_PAD_PROBE_OK;
                      },
                      &times, nullptr);
    gst_object_unref(pad);
  }

  void feed(int frames) const {
    auto* source = GST_APP_SRC(element("source"));
    for (int i = 0; i < frames; ++i) {
      const std::size_t at = static_cast<std::size_t>(i) % scene.frames.size();
      GstBuffer* buffer = gst_buffer_copy_deep(scene.frames[at].get());
      GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(i) * GST_SECOND / 30;
      if (gst_app_src_push_buffer(source, buffer) != GST_FLOW_OK) return;  // the bus says why
    }
    gst_app_src_end_of_stream(source);
  }

  void wait() const {
    GstBus* bus = gst_element_get_bus(pipeline);
    GstMessage* message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    gst_object_unref(bus);
    std::string fault;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      fault = error->message;
      g_error_free(error);
    }
    gst_message_unref(message);
    if (!fault.empty()) throw Error(ErrorCode::kRuntime, "pipeline: " + fault);
  }
};

TimedPipeline::TimedPipeline(const Scene& scene, const std::string& elements, std::vector<std::string> watched)
    : state_(std::make_unique<State>(scene)) {
  State& s = *state_;
  // Two frames wait at most: the source must not race ahead, nor be waited for.
  const std::string launch =
      "appsrc name=source format=time block=true max-buffers=2 max-bytes=0 ! " + elements + " ! fakesink name=sink sync=false";
  GError* error = nullptr;
  s.pipeline = gst_parse_launch_full(launch.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (s.pipeline == nullptr) {
    const std::string why = error != nullptr ? error->message : "unknown fault";
    g_clear_error(&error);
    throw Error(ErrorCode::kBadSetting, launch + ": " + why);
  }
  GstCaps* caps = gst_video_info_to_caps(&scene.info);
  gst_app_src_set_caps(GST_APP_SRC(s.element("source")), caps);
  gst_caps_unref(caps);
  s.left.resize(watched.size());
  if (!watched.empty()) State::note(s.element(watched.front()), "sink", s.entered);
  for (std::size_t i = 0; i < watched.size(); ++i) State::note(s.element(watched[i]), "src", s.left[i]);
  State::note(s.element("sink"), "sink", s.arrived);
  GstPad* pad = gst_element_get_static_pad(s.element("sink"), "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER,
                    [](GstPad*, GstPadProbeInfo* info, gpointer data) {
                      auto& state = *static_cast<State*>(data);
                      if (state.arrived.size() > static_cast<std::size_t>(state.warm_up)) {
                        gpointer at = nullptr;
                        while (gst_buffer_iterate_meta_filtered(GST_PAD_PROBE_INFO_BUFFER(info), &at,
                                                                GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) != nullptr)
                          ++state.faces;
                      }
                      return GST_PAD_PROBE_OK;
                    },
                    &s, nullptr);
  gst_object_unref(pad);
}

TimedPipeline::~TimedPipeline() = default;

RunTimes TimedPipeline::run(int warm_up, int frames) {
  State& s = *state_;
  s.warm_up = warm_up;
  s.entered.clear(), s.arrived.clear(), s.faces = 0;
  for (auto& times : s.left) times.clear();
  gst_element_set_state(s.pipeline, GST_STATE_PLAYING);
  std::thread feeder([&] { s.feed(warm_up + frames); });
  std::string fault;
  try {
    s.wait();
  } catch (const Error& error) {
    fault = error.what();
  }
  gst_element_set_state(s.pipeline, GST_STATE_NULL);  // wakes the feeder, too
  feeder.join();
  // GLib keeps streaming threads for a while, and OpenMP each one's helpers: together more than the processors, they would slow down the
  // run after this one (docs/performance.md, "Call the engine from few threads").
  g_thread_pool_stop_unused_threads();
  if (!fault.empty()) throw Error(ErrorCode::kRuntime, fault);
  const auto all = static_cast<std::size_t>(warm_up + frames), first = static_cast<std::size_t>(warm_up);
  if (s.arrived.size() != all)
    throw Error(ErrorCode::kRuntime, std::to_string(s.arrived.size()) + " of " + std::to_string(all) + " frames came through");
  RunTimes times;
  times.begun = s.arrived[first - 1], times.ended = s.arrived.back();
  times.frame_ms = ms_between(times.begun, times.ended) / frames;
  times.faces = static_cast<double>(s.faces) / frames;
  for (std::size_t e = 0; e < s.left.size(); ++e) {
    const auto& begun = e == 0 ? s.entered : s.left[e - 1];
    double sum = 0;
    for (std::size_t i = first; i < all; ++i) sum += ms_between(begun[i], s.left[e][i]);
    times.element_ms.push_back(sum / frames);
  }
  return times;
}

double run_together(const Scene& scene, const std::string& elements, int streams, int warm_up, int frames) {
  std::vector<std::unique_ptr<TimedPipeline>> pipelines;
  std::vector<std::thread> threads;
  std::vector<std::string> faults(static_cast<std::size_t>(streams));
  std::vector<RunTimes> times(faults.size());
  for (int i = 0; i < streams; ++i) pipelines.push_back(std::make_unique<TimedPipeline>(scene, elements));
  for (std::size_t i = 0; i < pipelines.size(); ++i)
    threads.emplace_back([&, i] {
      try {
        times[i] = pipelines[i]->run(warm_up, frames);
      } catch (const Error& error) {
        faults[i] = error.what();
      }
    });
  for (auto& thread : threads) thread.join();
  for (const std::string& fault : faults)
    if (!fault.empty()) throw Error(ErrorCode::kRuntime, fault);
  Clock::time_point begun = times.front().begun, ended = times.front().ended;
  for (const RunTimes& one : times) begun = std::min(begun, one.begun), ended = std::max(ended, one.ended);
  return ms_between(begun, ended) / frames;
}

}  // namespace fmpn::bench
