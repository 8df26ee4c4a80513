// soak [FRAMES]: runs 20,000 frames with faces coming and going through all elements, and fails where resident memory has grown by
// 20 MB or more between the 2000th frame and the last.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "harness.h"

namespace {

using namespace fmpn;
using namespace fmpn::test;

double resident_megabytes() {
  long pages = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &pages, &resident) != 2) return -1;
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const int frames = argc > 1 ? std::atoi(argv[1]) : 20000;
  const int warm = std::min(2000, frames / 4);
  const cv::Mat head = photograph_head(148);
  double before = 0;
  std::size_t faces = 0;
  {
    Harness h("fmpnalign min-face-size=60 ! fmpnmask ! fmpnclassify ! fmpnoverlay show-mask=true show-landmarks=true");
    const auto info = video_info("I420", 320, 180);
    h.caps(info);
    for (int i = 0; i < frames; ++i) {
      if (i == warm) before = resident_megabytes();
      if (i > 0 && i % 2000 == 0) std::printf("%6d frames: %.1f MB\n", i, resident_megabytes()), std::fflush(stdout);
      cv::Mat picture(180, 320, CV_8UC3, cv::Scalar(96, 100, 92));
      // In sight for 40 frames, moving; away for 60, longer than an id is kept: every hundred frames somebody new comes.
      if (i % 100 < 40) head.copyTo(picture(cv::Rect(10 + i % 40 * 4, 16, head.cols, head.rows)));
      const Buffer out = h.push(make_buffer(picture, info, 0, i));
      if (!out) {
        std::fprintf(stderr, "frame %d did not come through\n", i);
        return 1;
      }
      faces += gst::read_faces(out.get()).size();
      while (GstMessage* message = gst_bus_pop(GST_ELEMENT_BUS(h.get()->element))) gst_message_unref(message);
    }
  }
  const double after = resident_megabytes();
  std::printf("%d frames, %zu faces: %.1f MB after %d frames, %.1f MB at the end, %+.1f MB\n", frames, faces, before, warm, after,
              after - before);
  return after - before < 20 ? 0 : 1;
}
