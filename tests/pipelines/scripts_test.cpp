// The scripts in pipelines/, each with test sources in place of cameras and a file in place of a screen.
#include <map>

#include "annotate_program.h"

namespace fmpn::test {
namespace {

class Scripts : public PhotographTest {
 protected:
  void SetUp() override {
    ASSERT_NE(std::getenv("FMPN_SOURCE_ROOT"), nullptr) << "run through meson test";
    PhotographTest::SetUp();
    const std::string photograph =
        std::string("filesrc location=") + photograph_path() + " ! jpegdec ! imagefreeze num-buffers=4 ! videoscale ! ";
    setenv("FMPN_SOURCE", (photograph + "video/x-raw,width=256,height=300,framerate=10/1").c_str(), 1);
    setenv("FMPN_SINK", ("videoconvert ! x264enc tune=zerolatency ! matroskamux ! filesink location=" + file("screen.mkv")).c_str(), 1);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  static std::string script(const std::string& name) { return std::string(std::getenv("FMPN_SOURCE_ROOT")) + "/pipelines/" + name; }
  Outcome run(const std::string& name, const std::vector<std::string>& arguments) {
    std::vector<std::string> command{script(name)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Outcome outcome = run_program(command);
    EXPECT_EQ(outcome.status, 0) << name << ":\n" << outcome.out << outcome.err;
    return outcome;
  }
  const TemporaryFolder folder_;
};

TEST_F(Scripts, OnTheScreen) {
  for (const auto& [name, arguments] : std::map<std::string, std::vector<std::string>>{
           {"webcam.sh", {}}, {"rtsp_to_screen.sh", {"rtsp://camera.example/1"}}, {"mask_view.sh", {}}}) {
    std::filesystem::remove(file("screen.mkv"));
    run(name, arguments);
    const Decoded video = decode(file("screen.mkv"), false);
    // The network camera's queue drops frames rather than delay them.
    EXPECT_GE(video.frames, name == "rtsp_to_screen.sh" ? 1 : 4) << name;
    EXPECT_LE(video.frames, 4) << name;
    EXPECT_EQ(video.width, 256) << name;
  }
}

TEST_F(Scripts, TwoCamerasSideBySide) {
  run("two_cameras.sh", {});
  const Decoded video = decode(file("screen.mkv"), false);
  EXPECT_GE(video.frames, 4);
  EXPECT_EQ(video.width, 1280);
}

TEST_F(Scripts, AFilmToAFilmFromARealFile) {
  unsetenv("FMPN_SOURCE");
  VideoSpec spec;
  spec.frames = 4;
  make_video(file("a film.mp4"), spec);
  run("file_to_file.sh", {file("a film.mp4"), file("out put.mp4")});
  EXPECT_EQ(decode(file("out put.mp4"), false).frames, 4);
  const Outcome missing = run_program({script("file_to_file.sh"), file("no.mp4"), file("x.mp4")});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("no.mp4: no such file"), std::string::npos);
}

TEST_F(Scripts, JsonOnStandardOutputAndNothingElse) {
  const Outcome outcome = run("json_to_stdout.sh", {"camera"});
  std::istringstream text(outcome.out);
  int rows = 0;
  for (std::string line; std::getline(text, line); ++rows) EXPECT_EQ(nlohmann::json::parse(line).at("frame"), rows) << line;
  EXPECT_EQ(rows, 4);
}

TEST_F(Scripts, AnAnonymisedRecordingWithItsTable) {
  run("anonymised_recording.sh", {"camera", file("out.mp4")});
  EXPECT_EQ(decode(file("out.mp4"), false).frames, 4);
  const std::string table = read_text(file("out.csv"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5);
  std::filesystem::create_directory(file("a.b"));
  run("anonymised_recording.sh", {"camera", file("a.b/rec2")});
  EXPECT_TRUE(std::filesystem::exists(file("a.b/rec2.csv")));
}

TEST_F(Scripts, EachSaysWhatItIsFor) {
  int scripts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(script(""))) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() != ".sh" || name == "common.sh" || name == "setup.sh") continue;
    ++scripts;
    EXPECT_NE(run(name, {"--help"}).out.find("usage: pipelines/" + name), std::string::npos) << name;
  }
  EXPECT_GE(scripts, 8);
}

}  // namespace
}  // namespace fmpn::test
