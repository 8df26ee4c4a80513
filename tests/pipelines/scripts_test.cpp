// The scripts in pipelines/, each with test sources in place of cameras and a file in place of a screen.
#include <signal.h>

#include <map>

#include "annotate_program.h"
#include "environment.h"
#include "frames.h"

namespace fmpn::test {
namespace {

namespace fs = std::filesystem;

class Scripts : public PhotographTest {
 protected:
  void SetUp() override {
    ASSERT_NE(std::getenv("FMPN_SOURCE_ROOT"), nullptr) << "run through meson test";
    PhotographTest::SetUp();
    const std::string photograph =
        std::string("filesrc location=") + photograph_path() + " ! jpegdec ! imagefreeze num-buffers=4 ! videoscale ! ";
    environment_.set("FMPN_SOURCE", photograph + "video/x-raw,width=256,height=300,framerate=10/1");
    environment_.set("FMPN_SINK", "videoconvert ! x264enc tune=zerolatency ! matroskamux ! filesink location=" + file("screen.mkv"));
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  static std::string script(const std::string& name) { return std::string(std::getenv("FMPN_SOURCE_ROOT")) + "/pipelines/" + name; }
  static Outcome attempt(const std::string& name, const std::vector<std::string>& arguments) {
    std::vector<std::string> command{script(name)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command);
  }
  static Outcome run(const std::string& name, const std::vector<std::string>& arguments) {
    Outcome outcome = attempt(name, arguments);
    EXPECT_EQ(outcome.status, 0) << name << ":\n" << outcome.out << outcome.err;
    return outcome;
  }
  /// A film of four frames, in place of the camera.
  std::string film(const std::string& name, const std::string& filter = "") {
    environment_.unset("FMPN_SOURCE");
    VideoSpec spec;
    spec.frames = 4;
    spec.filter = filter;
    make_video(file("film.tmp"), spec);  // make_video does not take every name
    fs::rename(file("film.tmp"), file(name));
    return file(name);
  }
  /// The last picture of a source, when no element of ours has seen it.
  cv::Mat bare(const std::string& source) const {
    run_pipeline(source + " ! videoconvert ! x264enc tune=zerolatency ! matroskamux ! filesink location=" + file("bare.mkv"));
    return frame_of(file("bare.mkv"), 3);
  }
  cv::Mat camera() const { return bare(std::getenv("FMPN_SOURCE")); }
  const TemporaryFolder folder_;
  Environment environment_;
};

TEST_F(Scripts, OnTheScreen) {
  const cv::Mat source = camera();
  const cv::Rect face = face_in(source);
  for (const auto& [name, arguments] : std::map<std::string, std::vector<std::string>>{
           {"webcam.sh", {}}, {"rtsp_to_screen.sh", {"rtsp://camera.example/1"}}, {"mask_view.sh", {}}}) {
    SCOPED_TRACE(name);
    fs::remove(file("screen.mkv"));
    run(name, arguments);
    const int frames = decode(file("screen.mkv"), false).frames;
    // The network camera's queue drops frames rather than delay them.
    ASSERT_GE(frames, name == "rtsp_to_screen.sh" ? 1 : 4);
    EXPECT_LE(frames, 4);
    const cv::Mat shown = frame_of(file("screen.mkv"), frames - 1);
    ASSERT_EQ(shown.size(), source.size());
    if (name != "mask_view.sh") {
      expect_box_drawn(source, shown, face);
    } else {
      EXPECT_GT(difference(source, shown, face), 2) << "no mask over the face";
      EXPECT_LT(difference_at_edges(source, shown, face), 20) << "a box";
      EXPECT_LT(difference(source, shown, {0, 0, 60, 60}), 1) << "not only the face";
    }
  }
}

TEST_F(Scripts, TwoCamerasSideBySide) {
  const std::vector<std::string> films{film("left.mp4"), film("right.mp4", "videoflip video-direction=horiz ! ")};
  run("two_cameras.sh", films);
  ASSERT_GE(decode(file("screen.mkv"), false).frames, 4);
  const cv::Mat shown = frame_of(file("screen.mkv"), 3);
  ASSERT_EQ(shown.size(), cv::Size(1280, 480));
  for (int side = 0; side < 2; ++side) {
    SCOPED_TRACE(side);
    const cv::Mat half = shown(cv::Rect(640 * side, 0, 640, 480));
    const cv::Mat source = bare("filesrc location=" + films[static_cast<std::size_t>(side)] +
                                " ! decodebin ! videoconvert ! videoscale ! video/x-raw,width=640,height=480,pixel-aspect-ratio=1/1");
    expect_box_drawn(source, half, face_in(source));
  }
}

TEST_F(Scripts, ACamerasJpegsKeepTheirTones) {
  environment_.unset("FMPN_SOURCE");
  make_video(file("film.avi"), camera_jpegs());
  run("file_to_file.sh", {file("film.avi"), file("out.mp4")});
  EXPECT_LE(tones_apart(frame_of(file("film.avi"), 4), frame_of(file("out.mp4"), 4)), 3);
}

TEST_F(Scripts, AFilmToAFilmWhateverItsName) {
  for (const std::string name : {"a film.mp4", "back\\slash.mp4", "a \" b.mp4", "\"it's\"", "end\\"}) {
    SCOPED_TRACE(name);
    fs::copy_file(film(name), file("plain.mp4"), fs::copy_options::overwrite_existing);
    const cv::Mat source = frame_of(file("plain.mp4"), 3);
    run("file_to_file.sh", {file(name), file("out " + name)});
    ASSERT_TRUE(fs::exists(file("out " + name)));
    fs::rename(file("out " + name), file("plain.mp4"));
    EXPECT_EQ(decode(file("plain.mp4"), false).frames, 4);
    expect_box_drawn(source, frame_of(file("plain.mp4"), 3), face_in(source));
  }
}

TEST_F(Scripts, NoFileIsDestroyed) {
  const std::string good = film("good.mp4"), before = read_text(good), partial = film("x.mp4.partial");
  fs::create_hard_link(good, file("link.mp4"));
  fs::create_directory(file("folder"));
  write_text(file("broken.mp4"), "no film\n");
  const auto refused = [&](const std::string& name, const std::vector<std::string>& arguments, int status, const std::string& why) {
    const Outcome outcome = attempt(name, arguments);
    EXPECT_EQ(outcome.status, status) << why << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
    EXPECT_EQ(read_text(good), before) << why;
  };
  refused("file_to_file.sh", {good, good}, 2, "would be written over");
  refused("file_to_file.sh", {good, file("link.mp4")}, 2, "would be written over");
  refused("file_to_file.sh", {"file://" + good, good}, 2, "would be written over");
  refused("file_to_file.sh", {partial, file("x.mp4")}, 2, "would be written over");
  refused("file_to_file.sh", {good, file("folder")}, 2, "is there, and no file");
  refused("file_to_file.sh", {file("no.mp4"), file("x.mp4")}, 1, "no.mp4: no such file");
  refused("file_to_file.sh", {file("broken.mp4"), good}, 1, "ERROR");
  EXPECT_FALSE(fs::exists(file("good.mp4.partial")));
  refused("anonymised_recording.sh", {good, file("rec.csv")}, 2, "would be written over");
  refused("anonymised_recording.sh", {good, file("rec.mp4"), good}, 2, "would be written over");
  refused("anonymised_recording.sh", {file("broken.mp4"), file("rec.mp4"), good}, 1, "ERROR");
  for (const char* name : {"rec.csv", "rec.mp4", "rec.mp4.partial", "x.mp4"})
    EXPECT_FALSE(fs::exists(file(name))) << name;
}

TEST_F(Scripts, AnInterruptedCameraIsWholeAndAnInterruptedFilmIsNot) {
  const auto interrupt = [&](int signal, const std::string& growing, const std::vector<std::string>& command) {
    Program program(command);
    for (int i = 0; i < 1200 && program.running() && (!fs::exists(growing) || fs::file_size(growing) == 0); ++i) usleep(50'000);
    program.send(signal);
    return program.wait();
  };
  environment_.set("FMPN_SOURCE", "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=20/1");
  for (const int signal : {SIGINT, SIGTERM}) {
    fs::remove(file("camera.mp4"));
    const Outcome outcome = interrupt(signal, file("camera.mp4.partial"),
                                      {script("anonymised_recording.sh"), "camera", file("camera.mp4"), file("camera.csv")});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_GT(decode(file("camera.mp4"), false).frames, 0);
    EXPECT_FALSE(fs::exists(file("camera.mp4.partial")));
    EXPECT_FALSE(fs::exists(file("camera.csv.partial")));
  }
  environment_.unset("FMPN_SOURCE");
  run_pipeline("videotestsrc num-buffers=3000 ! video/x-raw,width=640,height=480 ! x264enc speed-preset=ultrafast ! matroskamux ! "
               "filesink location=" + file("long.mkv"));
  write_text(file("out.mp4"), "what was there");
  const Outcome outcome = interrupt(SIGINT, file("out.mp4.partial"), {script("file_to_file.sh"), file("long.mkv"), file("out.mp4")});
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("out.mp4.partial has what there was"), std::string::npos) << outcome.err;
  EXPECT_EQ(read_text(file("out.mp4")), "what was there");
  const int frames = decode(file("out.mp4.partial"), false).frames;
  EXPECT_GT(frames, 0);
  EXPECT_LT(frames, 3000);
}

TEST_F(Scripts, JsonOnStandardOutputAndNothingElse) {
  const Outcome outcome = run("json_to_stdout.sh", {"camera"});
  std::istringstream text(outcome.out);
  int rows = 0;
  for (std::string line; std::getline(text, line); ++rows) EXPECT_EQ(nlohmann::json::parse(line).at("frame"), rows) << line;
  EXPECT_EQ(rows, 4);
}

TEST_F(Scripts, AnAnonymisedRecordingWithItsTable) {
  run("anonymised_recording.sh", {film("film.mp4"), file("out.mp4")});
  EXPECT_EQ(decode(file("out.mp4"), false).frames, 4);
  for (int i = 0; i < 4; ++i) {
    const cv::Mat source = frame_of(file("film.mp4"), i);
    expect_face_hidden(source, frame_of(file("out.mp4"), i), face_in(source));
  }
  const std::string table = read_text(file("out.csv"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5);
  fs::create_directory(file("a.b"));
  run("anonymised_recording.sh", {file("film.mp4"), file("a.b/rec2")});
  EXPECT_TRUE(fs::exists(file("a.b/rec2.csv")));
}

TEST_F(Scripts, OurElementsAreFoundBesideOthers) {
  environment_.set("GST_PLUGIN_PATH", file("others"));
  environment_.set("GST_REGISTRY", file("registry.bin"));
  run("json_to_stdout.sh", {"camera"});
}

TEST_F(Scripts, EachSaysWhatItIsForAndRefusesOtherWords) {
  int scripts = 0;
  for (const auto& entry : fs::directory_iterator(script(""))) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() != ".sh" || name == "common.sh") continue;
    SCOPED_TRACE(name);
    ++scripts;
    const std::string usage = "usage: pipelines/" + name;
    for (const char* help : {"-h", "--help"}) EXPECT_NE(run(name, {help}).out.find(usage), std::string::npos);
    std::vector<std::vector<std::string>> wrong{{"a", "b", "c", "d"}};
    const bool needs_words = name.find("_to_") != std::string::npos || name == "anonymised_recording.sh";
    if (needs_words) wrong.emplace_back();
    for (const auto& words : wrong) {
      const Outcome outcome = attempt(name, words);
      EXPECT_EQ(outcome.status, 2);
      EXPECT_NE(outcome.err.find(usage), std::string::npos) << outcome.err;
      EXPECT_EQ(outcome.out, "");
    }
  }
  EXPECT_GE(scripts, 9);
  EXPECT_EQ(attempt("setup.sh", {"--test"}).status, 2);
}

/// A checkout of the scripts alone, on a machine where apt, Meson and Ninja only say what they are asked for.
class SetUpScripts : public Scripts {
 protected:
  void SetUp() override {
    Scripts::SetUp();
    if (IsSkipped()) return;
    fs::copy(script(""), file("pipelines"));
    fs::create_directory(file("tests"));
    fs::copy(script("../tests/run.sh"), file("tests/run.sh"));
    for (const char* tool : {"meson", "ninja", "dpkg-query", "apt-get", "sudo", "npm"}) {
      const bool query = std::string(tool) == "dpkg-query";
      write_text(file(std::string("bin/") + tool), query ? "#!/bin/sh\necho installed\n" : "#!/bin/sh\necho \"${0##*/} $*\"\n");
      fs::permissions(file(std::string("bin/") + tool), fs::perms::owner_all);
    }
    environment_.set("PATH", file("bin") + ":" + std::getenv("PATH"));
    for (const char* name : {"FMPN_BUILD", "FMPN_MESON_OPTIONS"}) environment_.unset(name);
  }
  /// What a script asks for, with nothing of the folder's name.
  std::string asks(const std::vector<std::string>& command) const {
    std::vector<std::string> line = command;
    line[0] = file(line[0]);
    const Outcome outcome = run_program(line);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::string text = outcome.out;
    for (const std::string folder = folder_.path().string() + "/"; text.find(folder) != std::string::npos;)
      text.erase(text.find(folder), folder.size());
    return text;
  }
};

TEST_F(SetUpScripts, TheBuildFolderIsOneThroughout) {
  EXPECT_EQ(asks({"tests/run.sh", "demo"}),
            "meson setup build -Dtests=enabled\nninja -C build\nmeson test -C build --print-errorlogs demo\n");
  environment_.set("FMPN_BUILD", "build-x");
  EXPECT_EQ(asks({"tests/run.sh"}), "meson setup build-x -Dtests=enabled\nninja -C build-x\nmeson test -C build-x --print-errorlogs\n");
  const std::string demo = asks({"pipelines/demo.sh", file("pipelines/demo.sh"), file("out.mp4")});
  EXPECT_NE(demo.find("meson devenv -C build-x -w"), std::string::npos) << demo;
  EXPECT_NE(demo.find(" build-x/pipelines/fmpn-demo pipelines/demo.sh out.mp4\n"), std::string::npos) << demo;
}

TEST_F(SetUpScripts, OptionsReachABuildThatIsThere) {
  write_text(file("build/build.ninja"), "");
  EXPECT_EQ(asks({"pipelines/setup.sh"}), "ninja -C build\n");
  environment_.set("FMPN_MESON_OPTIONS", "-Dwerror=true -Dtrain=disabled");
  EXPECT_EQ(asks({"pipelines/setup.sh"}), "meson configure build -Dwerror=true -Dtrain=disabled\nninja -C build\n");
}

TEST_F(SetUpScripts, TheDemoLooksForItsFileFirst) {
  const Outcome outcome = run_program({file("pipelines/demo.sh"), file("no.mp4")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("no.mp4: no such file or camera"), std::string::npos);
  EXPECT_EQ(outcome.out, "") << "nothing is set up for it";
}

}  // namespace
}  // namespace fmpn::test
