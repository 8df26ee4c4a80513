// Times fmpnoverlay alone at 1920×1080 with two faces that move on every frame and change their distribution, too,
// attached to the buffers and blended into I420. Milliseconds a frame.

#include <chrono>
#include <cstdio>

#include <gst/video/video-overlay-composition.h>

#include "harness.h"

namespace {

using namespace fmpn;
using namespace fmpn::test;

int g_frames = 300;  // --quick: 5, for checking the program

Buffer frame_with_faces(GstBuffer* pixels, const GstVideoInfo& info, int frame) {
  Buffer buffer(gst_buffer_copy_deep(pixels));
  for (int id = 1; id <= 2; ++id) {
    gst::FaceAnnotation face;
    face.region_id = face.track_id = id;
    face.box = {400.0F * static_cast<float>(id) + static_cast<float>(frame % 50), 300, 220, 220};
    gst::attach_face(buffer.get(), face, info);
    gst::ExpressionAnnotation e{"happiness", 3, 0.5 + 0.001 * frame, {}, 1, 0, "m"};
    for (const char* name : {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"})
      e.distribution.emplace_back(name, 0.1 + 0.0005 * frame);
    gst::attach_expression(buffer.get(), id, e);
  }
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(frame) * GST_SECOND / 30;
  return buffer;
}

void measure(const char* title, const char* launch, bool attach) {
  Harness h(launch);
  if (attach) {
    gst_harness_set_sink_caps_str(h.get(), "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition)");
    gst_harness_add_propose_allocation_meta(h.get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr);
  }
  const auto info = video_info("I420", 1920, 1080);
  h.caps(info);
  const Buffer pixels = make_buffer(cv::Mat(1080, 1920, CV_8UC3, cv::Scalar(90, 100, 110)), info);
  double total = 0, longest = 0;
  for (int i = 0; i < g_frames; ++i) {
    Buffer in = frame_with_faces(pixels.get(), info, i);
    const auto begun = std::chrono::steady_clock::now();
    const Buffer out = h.push(std::move(in));
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
    if (i == 0) continue;  // fonts are loaded
    total += ms;
    longest = std::max(longest, ms);
  }
  std::printf("%-28s mean %.2f ms, longest %.2f ms\n", title, total / (g_frames - 1), longest);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc > 1 && std::string(argv[1]) == "--quick") g_frames = 5;
  measure("attached", "fmpnoverlay", true);
  measure("blended into I420", "fmpnoverlay", false);
  measure("pixelated, nothing drawn", "fmpnoverlay show-box=false show-label=false show-bars=false anonymize=pixelate", false);
  measure("blurred, nothing drawn", "fmpnoverlay show-box=false show-label=false show-bars=false anonymize=blur", false);
}
