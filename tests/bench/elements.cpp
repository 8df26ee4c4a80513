// Frames a second, and the time that a frame stays in fmpnalign ! fmpnclassify and in fmpnclassify alone, for sizes, numbers of faces
// and modes: as a table in Markdown. Arguments: model files, or `paper` for the paper's architecture (FMG of width 64, Inception V3,
// 299 px) with random weights. In async mode 150 frames come at 30 a second, as from a camera; in sync mode as fast as they go.
// `--async` and `--sync` leave the other out; `--quick` is a few frames of one size, for checking the program.

#include <chrono>
#include <cstdio>
#include <thread>

#include "harness.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace {

using namespace fmpn;
using namespace fmpn::test;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begun) { return std::chrono::duration<double, std::milli>(Clock::now() - begun).count(); }

/// The photograph's head once or four times on gray, each face about a quarter of the frame's height.
cv::Mat scene(int width, int height, int faces) {
  cv::Mat frame(height, width, CV_8UC3, cv::Scalar(96, 100, 92));
  const cv::Mat head = photograph_head(height * 45 / 100);
  const int columns = faces > 1 ? 2 : 1;
  for (int i = 0; i < faces; ++i)
    head.copyTo(frame(cv::Rect(width / 8 + i % columns * width / 2, height / 25 + i / columns * height / 2, head.cols, head.rows)));
  return frame;
}

/// How long each frame stays in one element, between its two pads.
class Stay {
 public:
  Stay(GstElement* bin, const char* name) : element_(gst_bin_get_by_name(GST_BIN(bin), name)) {
    for (const char* pad_name : {"sink", "src"}) {
      GstPad* pad = gst_element_get_static_pad(element_, pad_name);
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, *pad_name == 's' && pad_name[1] == 'i' ? &Stay::comes : &Stay::goes, this, nullptr);
      gst_object_unref(pad);
    }
  }
  ~Stay() { gst_object_unref(element_); }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;
  std::vector<double> ms;

 private:
  static GstPadProbeReturn comes(GstPad*, GstPadProbeInfo*, gpointer self) {
    static_cast<Stay*>(self)->came_ = Clock::now();
    return GST_PAD_PROBE_OK;
  }
  static GstPadProbeReturn goes(GstPad*, GstPadProbeInfo*, gpointer self) {
    static_cast<Stay*>(self)->ms.push_back(ms_since(static_cast<Stay*>(self)->came_));
    return GST_PAD_PROBE_OK;
  }
  GstElement* element_;
  Clock::time_point came_;
};

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

void measure(const std::string& name, const std::string& model, int width, int height, int faces, bool async,
             int frames) {
  Harness h("fmpnalign ! fmpnclassify name=classify mode=" + std::string(async ? "async" : "sync") + " model=" + model);
  Stay in_classify(h.get()->element, "classify");
  const auto info = video_info("I420", width, height);
  h.caps(info);
  const Buffer pixels = make_buffer(scene(width, height, faces), info);
  std::vector<double> stay;
  double ago = 0;
  int judged = 0;
  auto begun = Clock::now();
  for (int i = -5; i < frames; ++i) {  // five frames to warm up
    if (i == 0) begun = Clock::now(), in_classify.ms.clear();
    Buffer in(gst_buffer_copy(pixels.get()));
    GST_BUFFER_PTS(in.get()) = static_cast<GstClockTime>(i + 5) * GST_SECOND / 30;
    const auto pushed = Clock::now();
    const Buffer out = h.push(std::move(in));
    if (i >= 0) {
      stay.push_back(ms_since(pushed));
      for (const auto& face : gst::read_faces(out.get()))
        if (face.expression) ago += face.expression->frames_ago, ++judged;
    }
    if (async) std::this_thread::sleep_until(begun + std::chrono::microseconds((i + 1) * 1000000LL / 30));
  }
  const double seconds = ms_since(begun) / 1000;
  if (judged == 0) {
    std::fprintf(stderr, "%s: no face was named: the times mean nothing\n", name.c_str());
    std::exit(1);
  }
  std::printf("| %s | %s | %d×%d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name.c_str(), async ? "async" : "sync", width, height,
              faces, frames / seconds, quantile(stay, 0.5), quantile(stay, 0.95), quantile(in_classify.ms, 0.5),
              quantile(in_classify.ms, 1), ago / judged);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const TemporaryFolder folder;
  std::puts(
      "| model | mode | frame | faces | frames/s | both: median ms | 95 % ms | fmpnclassify: median ms | longest ms | mean frames_ago "
      "|\n|---|---|---|---|---|---|---|---|---|---|");
  const std::string only = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
  for (int i = only.empty() ? 1 : 2; i < argc; ++i) {
    std::string model = argv[i], name = std::filesystem::path(model).stem();
    if (model == "paper") {
      ModelInfo info = tiny_model_info();
      const ModelInfo standard;
      info.fmg_width = standard.fmg_width, info.cn = standard.cn, info.cn_width = standard.cn_width, info.cn_stem = standard.cn_stem;
      info.input_size = standard.input_size, info.crop_size = standard.crop_size;
      model = folder.file("paper.safetensors");
      write_tiny_model(model, info, /*batches=*/1);
      name = "the paper's";
    }
    for (const bool async : {false, true}) {
      if (!only.empty() && only != "--quick" && only != (async ? "--async" : "--sync")) continue;
      if (only == "--quick") {
        measure(name, model, 640, 480, 1, async, 5);
        continue;
      }
      for (const auto& [width, height] : {std::pair{640, 480}, std::pair{1280, 720}, std::pair{1920, 1080}})
        for (const int faces : {1, 4}) measure(name, model, width, height, faces, async, async ? 150 : name == "the paper's" ? 10 : 60);
    }
  }
}
