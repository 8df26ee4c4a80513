// What finding faces costs on one core, and how well it is done: full detection on every frame, ours and dlib's own, against following, at
// several intervals, over a rendered clip in which the face moves, turns, changes its size and darts; and the cost against the number of
// faces. Errors are in percent of the face's width. `--quick` is a small run for checking the program; `--json FILE` for machines.

#include <ctime>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include <fmpn/error.h>
#include <fmpn/face_tracker.h>

#include "dlib_detector.h"
#include "moving_face.h"

namespace {

using namespace fmpn;
using namespace fmpn::test;
using Finder = std::function<std::vector<TrackedFace>(const ImageView&, double)>;

constexpr double kLeastRecall = 0.95;

struct Options {
  bool quick = false;
  std::string json;
};

struct Quality {
  double ms = 0, longest_ms = 0, recall = 0, box_mean = 0, box_95 = 0, landmark_mean = 0, landmark_95 = 0;
  int strangers = 0;  ///< found where there is no face
  std::size_t ids = 0;
};

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}
double percentile_95(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() * 95 / 100];
}

Quality measure(const MovingFace& clip, int frames, bool gray, const Finder& find) {
  std::vector<double> times, boxes, landmarks;
  std::set<std::uint32_t> ids;
  Quality quality;
  int found_faces = 0;
  for (int i = 0; i < frames; ++i) {
    cv::Mat frame = clip.frame(i);
    if (gray) cv::cvtColor(frame, frame, cv::COLOR_RGB2GRAY);
    const double begun = cpu_ms();
    const std::vector<TrackedFace> faces = find(view_of(frame), i / 30.0);
    times.push_back(cpu_ms() - begun);
    std::set<std::size_t> known;
    for (int head = 0; head < clip.count(); ++head) {
      const auto truth = clip.truth(i, head);
      for (std::size_t f = 0; f < faces.size(); ++f) {
        if (overlap(faces[f].face.box, truth.box) < 0.5F || !known.insert(f).second) continue;
        ++found_faces;
        ids.insert(faces[f].id);
        boxes.push_back(100 * box_error(faces[f].face.box, truth.box));
        const bool aligned = !faces[f].face.crop.pixels.empty();  // not by dlib alone
        if (aligned) landmarks.push_back(100 * landmark_error(faces[f].face.landmarks, truth));
        break;
      }
    }
    quality.strangers += static_cast<int>(faces.size() - known.size());
  }
  quality.ms = mean(times);
  quality.longest_ms = *std::max_element(times.begin(), times.end());
  quality.recall = static_cast<double>(found_faces) / frames / clip.count();
  quality.box_mean = mean(boxes), quality.box_95 = percentile_95(boxes);
  quality.landmark_mean = mean(landmarks), quality.landmark_95 = percentile_95(landmarks);
  quality.ids = ids.size();
  return quality;
}

nlohmann::json report(const char* name, const Quality& q) {
  std::printf("%-30s %7.2f %8.2f %8.2f %6.2f %6.2f %8.2f %6.2f %9d %4zu\n", name, q.ms, q.longest_ms, 100 * q.recall, q.box_mean, q.box_95,
              q.landmark_mean, q.landmark_95, q.strangers, q.ids);
  std::fflush(stdout);
  return {{"name", name}, {"ms_a_frame", q.ms}, {"longest_ms", q.longest_ms}, {"recall", q.recall}, {"box_error_mean", q.box_mean / 100},
          {"box_error_95", q.box_95 / 100}, {"landmark_error_mean", q.landmark_mean / 100}, {"landmark_error_95", q.landmark_95 / 100},
          {"false_faces", q.strangers}, {"ids", q.ids}};
}

Finder tracked(FaceTracker& tracker) {
  return [&](const ImageView& view, double time) { return tracker.track(view, time); };
}

nlohmann::json quality_table(const cv::Mat& photo, const Options& options) {
  const int width = options.quick ? 640 : 1280, height = options.quick ? 360 : 720, frames = options.quick ? 30 : 300;
  const MovingFace clip(photo, width, height, 1, options.quick ? 0.4 : 0.24);
  std::printf("one face, %d×%d, %d frames, one core\n%-30s %7s %8s %8s %6s %6s %8s %6s %9s %4s\n", width, height, frames, "", "ms",
              "longest", "recall %", "box %", "95 %", "landm. %", "95 %", "strangers", "ids");
  nlohmann::json rows = nlohmann::json::array();
  Aligner aligner({});
  const Finder full = [&](const ImageView& view, double) {
    std::vector<TrackedFace> faces;
    for (AlignedFace& face : aligner.find(view)) faces.push_back({1, true, std::move(face), 0});
    return faces;
  };
  rows.push_back(report("full detection, no tracker", measure(clip, frames, false, full)));
  rows.push_back(report("dlib's, no landmarks", measure(clip, frames, true, [](const ImageView& view, double) {
    std::vector<TrackedFace> faces;
    const cv::Mat gray(view.height, view.width, CV_8UC1, const_cast<std::uint8_t*>(view.data), static_cast<std::size_t>(view.stride));
    for (const Box& box : bench::dlib_faces(gray)) {
      faces.push_back({1, true, {}, 0});
      faces.back().face.box = box;
    }
    return faces;
  })));
  for (const int interval : {1, 5, 10}) {
    for (const bool gray : {false, true}) {
      FaceTracker tracker({}, {interval, 1.5});
      const std::string name = "tracked, interval " + std::to_string(interval) + (gray ? ", gray" : "");
      rows.push_back(report(name.c_str(), measure(clip, frames, gray, tracked(tracker))));
    }
  }
  return rows;
}

/// Time a frame against faces, and the straight line through it.
nlohmann::json growth_table(const cv::Mat& photo, const Options& options) {
  const int width = options.quick ? 640 : 1280, height = options.quick ? 360 : 720, frames = options.quick ? 12 : 60;
  std::printf("\nfaces, %d×%d, interval 10\n%6s %9s %9s\n", width, height, "faces", "ms", "found %");
  nlohmann::json rows = nlohmann::json::array();
  const std::vector<int> counts = options.quick ? std::vector<int>{1, 2} : std::vector<int>{1, 2, 4, 8, 16};
  std::vector<double> x, y;
  for (const int count : counts) {
    const MovingFace clip(photo, width, height, count, options.quick ? 0.4 : 0.14);
    FaceTracker tracker({}, {10, 1.5});
    const Quality q = measure(clip, frames, false, tracked(tracker));
    std::printf("%6d %9.2f %9.1f\n", count, q.ms, 100 * q.recall);
    rows.push_back({{"faces", count}, {"ms_a_frame", q.ms}, {"recall", q.recall}});
    x.push_back(count), y.push_back(q.ms);
  }
  const double mx = mean(x), my = mean(y);
  double xy = 0, xx = 0;
  for (std::size_t i = 0; i < x.size(); ++i) xy += (x[i] - mx) * (y[i] - my), xx += (x[i] - mx) * (x[i] - mx);
  std::printf("fitted: %.2f ms a frame and %.2f ms a face\n", my - xy / xx * mx, xy / xx);
  return {{"rows", rows}, {"ms_a_frame", my - xy / xx * mx}, {"ms_a_face", xy / xx}};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      options.quick = true;
    } else if (argument == "--json" && i + 1 < argc) {
      options.json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: detector [--quick] [--json FILE]\n");
      return 2;
    }
  }
  try {
    cv::setNumThreads(1);
    const Image image = read_image(photograph_path());
    const cv::Mat photo = as_cv(image);
    nlohmann::json result;
    result["one_face"] = quality_table(photo, options);
    result["growth"] = growth_table(photo, options);
    for (const auto& one : result["one_face"])
      if (one["recall"] < kLeastRecall)
        throw Error(ErrorCode::kRuntime, one["name"].get<std::string>() + ": faces are missed; its times mean nothing");
    if (!options.json.empty()) {
      std::ofstream file(options.json);
      file << result.dump(2) << '\n';
      if (!file.flush()) throw Error(ErrorCode::kIo, options.json + ": cannot be written");
    }
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "detector: %s\n", fault.what());
    return 1;
  }
  return 0;
}
