// pipeline-bench MODEL PART [--quick]: measures the elements as a pipeline, and prints one JSON object a line: name, value, unit, for
// ratios the two parts, and the goal. PART is one of
//   speed    fmpnalign ! fmpnclassify ! fmpnoverlay at 1280×720 against the plain loop and facedetect, and where the time goes
//   growth   time a frame against faces, pixels and streams, with the slope of a straight line through the logarithms
// Frames are rendered beforehand and pushed as fast as they are taken. Both sides of a ratio are measured in turn, medians count. Fails
// where the faces that are in the picture are not found: then there is nothing to time.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

#include <nlohmann/json.hpp>

#include <fmpn/engine.h>
#include <fmpn/error.h>
#include <fmpn/face_tracker.h>

#include "common/frame_reader.h"
#include "plain_loop.h"
#include "timed_pipeline.h"

namespace {

using namespace fmpn;
using namespace fmpn::bench;
using Clock = std::chrono::steady_clock;

const std::string kElements = "fmpnalign name=a ! fmpnclassify name=c mode=sync ! fmpnoverlay name=o";
const std::string kQueued = "fmpnalign ! queue max-size-buffers=2 ! fmpnclassify mode=sync ! queue max-size-buffers=2 ! fmpnoverlay";
// Debian has its cascade for faces, not those for eyes, noses and mouths: it says so and goes without.
const std::string kFaceDetect = "videoconvert ! facedetect";

struct Options {
  std::string model, part;
  bool quick = false;
  int rounds() const { return quick ? 1 : 5; }
  int warm_up() const { return quick ? 2 : 12; }
  int frames(int wanted) const { return quick ? 4 : wanted; }
};

double ms_since(Clock::time_point begun) { return std::chrono::duration<double, std::milli>(Clock::now() - begun).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void row(const std::string& name, double value, const char* unit, const char* goal = "") {
  nlohmann::json one{{"name", name}, {"value", value}, {"unit", unit}};
  if (*goal != '\0') one["goal"] = goal;
  std::cout << one.dump() << std::endl;
}

void ratio(const std::string& name, double over, double under, const char* unit, const char* goal = "") {
  nlohmann::json one{{"name", name}, {"value", over / under}, {"unit", "ratio"}, {"parts", {over, under}}, {"parts_unit", unit}};
  if (*goal != '\0') one["goal"] = goal;
  std::cout << one.dump() << std::endl;
}

void expect_faces(const std::string& who, double found, int there) {
  if (found < 0.9 * there)
    throw Error(ErrorCode::kRuntime, who + ": " + std::to_string(found) + " of " + std::to_string(there) + " faces a frame were found");
}

/// The tracker and the engine alone, on the frames and crops that the elements see.
struct Alone {
  double tracker_ms = 0;
  double engine_ms = 0;
};

Alone measure_alone(const Scene& scene, const Engine& engine, int warm_up, int frames) {
  gst::FrameReader reader;
  reader.set_format(scene.info);
  AlignerOptions aligner;
  aligner.crop_size = engine.info().crop_size;
  FaceTracker tracker(aligner, {});
  Alone alone;
  for (int i = 0; i < warm_up + frames; ++i) {
    if (i == warm_up) alone = {};
    const auto picture = reader.read(scene.frames[static_cast<std::size_t>(i) % scene.frames.size()].get());
    const ImageView luma = picture->luma().value();
    auto begun = Clock::now();
    const auto faces = tracker.track(luma, i / 30.0);
    alone.tracker_ms += ms_since(begun) / frames;
    std::vector<ImageView> crops;
    for (const TrackedFace& face : faces) crops.push_back(face.face.crop.view());
    begun = Clock::now();
    engine.classify(crops);
    alone.engine_ms += ms_since(begun) / frames;
  }
  return alone;
}

double measure_plain(const Scene& scene, PlainLoop& plain, int there, int frames) {
  double faces = plain.annotate(scene.info, scene.frames.back().get());  // warms up
  faces = 0;
  const auto begun = Clock::now();
  for (int i = 0; i < frames; ++i)
    faces += plain.annotate(scene.info, scene.frames[static_cast<std::size_t>(i) % scene.frames.size()].get());
  const double ms = ms_since(begun) / frames;
  expect_faces("plain loop", faces / frames, there);
  return ms;
}

bool has_element(const char* name) {
  GstElementFactory* factory = gst_element_factory_find(name);
  if (factory == nullptr) return false;
  gst_object_unref(factory);
  return true;
}

/// Runs body() in a thread that ends with it. OpenMP keeps helpers for each thread that has ever used it, and lets all wait less eagerly
/// where they are more than the processors: left in the main thread, those would slow the pipelines down, whose threads come and go.
template <typename F>
void apart(const F& body) {
  std::exception_ptr fault;
  std::thread([&] {
    try {
      body();
    } catch (...) {
      fault = std::current_exception();
    }
  }).join();
  if (fault) std::rethrow_exception(fault);
}

/// A scene of `faces` faces: ours against the others. Named times in milliseconds, one a round.
std::map<std::string, std::vector<double>> compare(const Options& o, const Scene& scene, int faces) {
  std::shared_ptr<const Engine> engine;
  std::unique_ptr<PlainLoop> plain;
  apart([&] { engine = Engine::load(o.model), plain = std::make_unique<PlainLoop>(o.model, default_landmark_model()); });
  TimedPipeline ours(scene, kElements, {"a", "c", "o"}), queued(scene, kQueued);
  std::unique_ptr<TimedPipeline> cascade;
  if (has_element("facedetect")) cascade = std::make_unique<TimedPipeline>(scene, kFaceDetect);
  else std::cerr << "GStreamer's facedetect (Debian: gstreamer1.0-opencv, opencv-data) is not installed: left out\n";
  std::map<std::string, std::vector<double>> ms;
  for (int round = 0; round < o.rounds(); ++round) {
    const RunTimes mine = ours.run(o.warm_up(), o.frames(120));
    expect_faces("elements", mine.faces, faces);
    ms["ours"].push_back(mine.frame_ms);
    ms["align"].push_back(mine.element_ms[0]), ms["classify"].push_back(mine.element_ms[1]), ms["overlay"].push_back(mine.element_ms[2]);
    Alone alone;
    apart([&] { alone = measure_alone(scene, *engine, o.warm_up(), o.frames(120)); });
    ms["tracker"].push_back(alone.tracker_ms), ms["engine"].push_back(alone.engine_ms);
    ms["own"].push_back(mine.element_ms[0] + mine.element_ms[1] + mine.element_ms[2] - alone.tracker_ms - alone.engine_ms);
    ms["queued"].push_back(queued.run(o.warm_up(), o.frames(120)).frame_ms);
    apart([&] { ms["plain"].push_back(measure_plain(scene, *plain, faces, o.frames(15))); });
    if (cascade) ms["facedetect"].push_back(cascade->run(2, o.frames(30)).frame_ms);
  }
  return ms;
}

void speed(const Options& o) {
  for (const int faces : {1, 4}) {
    SceneOptions options;
    if (o.quick) options.width = faces == 1 ? 320 : 640, options.height = faces == 1 ? 208 : 416, options.head = 174, options.frames = 30;
    options.faces = faces;
    const Scene scene(options);
    auto ms = compare(o, scene, faces);
    const auto of = [&](const char* what) { return median(ms.at(what)); };
    const std::string title =
        std::to_string(options.width) + "×" + std::to_string(options.height) + ", " + (faces == 1 ? "one face" : "four faces") + ": ";
    row(title + "elements", 1000 / of("ours"), "frames/s", faces == 1 ? ">= 60" : ">= 30");
    row(title + "elements with a queue between each two", 1000 / of("queued"), "frames/s");
    ratio(title + "elements / plain loop", 1000 / of("ours"), 1000 / of("plain"), "frames/s", faces == 1 ? ">= 3" : "");
    if (ms.count("facedetect") != 0) ratio(title + "elements / facedetect", 1000 / of("ours"), 1000 / of("facedetect"), "frames/s");
    for (const char* element : {"align", "classify", "overlay"}) row(title + "a frame's stay in fmpn" + element, of(element), "ms");
    row(title + "tracker alone", of("tracker"), "ms");
    row(title + "engine alone", of("engine"), "ms");
    ratio(title + "elements' own cost / frame", of("own"), of("align") + of("classify") + of("overlay"), "ms", faces == 1 ? "<= 0.08" : "");
  }
}

/// b of y = a·x^b, by least squares of the logarithms.
double exponent(const std::vector<std::pair<double, double>>& points) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [at, value] : points)
    x += std::log(at), y += std::log(value), xx += std::log(at) * std::log(at), xy += std::log(at) * std::log(value);
  return (n * xy - x * y) / (n * xx - x * x);
}

struct Step {
  std::string name;
  double size;
  std::function<double()> frame_ms;
};

/// Goes through all steps `rounds` times, so that a slow minute of the machine does not bend the line.
void grow(const Options& o, const std::string& title, const std::vector<Step>& steps) {
  std::vector<std::vector<double>> ms(steps.size());
  for (int round = 0; round < (o.quick ? 1 : 3); ++round)
    for (std::size_t i = 0; i < steps.size(); ++i) ms[i].push_back(steps[i].frame_ms());
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    points.emplace_back(steps[i].size, median(ms[i]));
    row(title + ": " + steps[i].name, points.back().second, "ms a frame");
  }
  row(title + ": exponent", exponent(points), "", "<= 1");
}

void grow_faces(const Options& o) {
  std::vector<std::shared_ptr<Scene>> scenes;
  std::vector<Step> steps;
  for (const int faces : o.quick ? std::vector<int>{1, 2} : std::vector<int>{1, 2, 4, 8, 16}) {
    const SceneOptions options = o.quick ? SceneOptions{640, 360, faces, 180, 10} : SceneOptions{1920, 1080, faces, 220, 40};
    const auto scene = std::make_shared<Scene>(options);
    steps.push_back({std::to_string(faces), static_cast<double>(faces), [&o, scene, faces] {
                       const RunTimes times = TimedPipeline(*scene, kElements).run(o.warm_up(), o.frames(30));
                       expect_faces("elements", times.faces, faces);
                       return times.frame_ms;
                     }});
  }
  grow(o, o.quick ? "faces in 640×360" : "faces in 1920×1080", steps);
}

void grow_pixels(const Options& o) {
  std::vector<Step> steps;
  const std::vector<std::pair<int, int>> all{{640, 360}, {960, 540}, {1280, 720}, {1920, 1080}, {2560, 1440}, {3840, 2160}},
      few{{320, 208}, {640, 360}};
  for (const auto& [width, height] : o.quick ? few : all) {
    const double size = static_cast<double>(width) * height;
    const SceneOptions options{width, height, 1, 174, o.quick ? 10 : std::clamp(static_cast<int>(1.2e8 / size), 16, 60)};
    const auto scene = std::make_shared<Scene>(options);
    steps.push_back({std::to_string(width) + "×" + std::to_string(height), size, [&o, scene, size] {
                       const RunTimes times = TimedPipeline(*scene, kElements).run(o.warm_up(), o.frames(30));
                       expect_faces("elements", times.faces, 1);
                       return times.frame_ms;
                     }});
  }
  grow(o, "pixels, one face of the same size", steps);
}

void grow_streams(const Options& o) {
  std::vector<Step> steps;
  const auto scene = std::make_shared<Scene>(o.quick ? SceneOptions{320, 208, 1, 174, 10} : SceneOptions{640, 360, 1, 200, 60});
  for (const int streams : o.quick ? std::vector<int>{1, 2} : std::vector<int>{1, 2, 4})
    steps.push_back({std::to_string(streams), static_cast<double>(streams), [&o, scene, streams] {
                       return run_together(*scene, "fmpnalign ! fmpnclassify mode=sync ! fmpnoverlay", streams, o.warm_up(), o.frames(90));
                     }});
  grow(o, std::string("streams of ") + (o.quick ? "320×208" : "640×360") + " in one process", steps);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const bool quick = argc == 4 && std::string(argv[3]) == "--quick";
  if (argc != 3 && !quick) {
    std::cerr << "usage: pipeline-bench MODEL speed|growth [--quick]\n";
    return 2;
  }
  const Options o{argv[1], argv[2], quick};
  try {
    if (o.part == "speed") {
      speed(o);
    } else if (o.part == "growth") {
      grow_faces(o), grow_pixels(o), grow_streams(o);
    } else {
      throw Error(ErrorCode::kBadSetting, "part '" + o.part + "': speed and growth are known");
    }
  } catch (const std::exception& fault) {
    std::cerr << "pipeline-bench: " << fault.what() << '\n';
    return 1;
  }
  return 0;
}
