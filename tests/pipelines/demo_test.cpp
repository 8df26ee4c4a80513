// fmpn-demo: the main job, on the photograph's pan and on a file.

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "demo_pan.h"
#include "frames.h"
#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

class Demo : public PhotographTest {
 protected:
  void SetUp() override {
    ASSERT_NE(std::getenv("FMPN_DEMO"), nullptr) << "run through meson test";
    PhotographTest::SetUp();
  }
  Outcome demo(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{std::getenv("FMPN_DEMO")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command);
  }
  TemporaryFolder folder_;
};

TEST_F(Demo, FindsTheFaceOfThePhotographAndWritesAVideo) {
  const std::string output = folder_.file("new/folder/demo.mp4");
  const Outcome outcome = demo({"", output});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::smatch counts;
  ASSERT_TRUE(std::regex_search(outcome.out, counts, std::regex("(\\d+) frames, (\\d+) with a face"))) << outcome.out;
  EXPECT_EQ(counts[1], "240");
  EXPECT_GE(std::stoi(counts[2]), 240 * 95 / 100) << outcome.out;
  std::smatch box;
  ASSERT_TRUE(std::regex_search(
      outcome.out, box,
      std::regex("face 1: \\d+ frames, last box x=(\\d+) y=(\\d+) w=(\\d+) h=(\\d+), label \\w+ \\(\\d+ %\\)")))
      << outcome.out;
  for (const char* name : {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"})
    EXPECT_TRUE(std::regex_search(outcome.out, std::regex(std::string(name) + " [01]\\.\\d{3}"))) << outcome.out;
  EXPECT_EQ(decode(output, false).frames, 240);
  const Image last = demo::PhotographPan(photograph_path(), 640, 480, 240).frame(239);
  expect_box_drawn(as_cv(last), frame_of(output, 239), {std::stoi(box[1]), std::stoi(box[2]), std::stoi(box[3]), std::stoi(box[4])});
}

TEST_F(Demo, AnnotatesAFilmFrameByFrame) {
  const std::string film = folder_.file("film.mp4"), output = folder_.file("out.mp4");
  make_video(film);
  const Outcome outcome = demo({film, output});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("8 frames, 8 with a face"), std::string::npos) << outcome.out;
  EXPECT_EQ(decode(output, false).frames, 8);
  const cv::Mat source = frame_of(film, 7);
  expect_box_drawn(source, frame_of(output, 7), face_in(source));
}

TEST_F(Demo, FilmsOfFullRangeKeepTheirTones) {
  for (const VideoSpec& spec : {camera_jpegs(), full_range_recording()}) {
    const std::string film = folder_.file("film"), output = folder_.file("out.mp4");
    make_video(film, spec);
    const Outcome outcome = demo({film, output});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_LE(tones_apart(frame_of(film, 4), frame_of(output, 4)), 3) << spec.muxer;
  }
}

TEST_F(Demo, AVideoThatCouldNotBeWrittenReplacesNone) {
  const std::string film = folder_.file("film.mp4"), output = folder_.file("out.mp4");
  make_video(film);
  ASSERT_EQ(demo({film, output}).status, 0);
  // As on a full disk, of files larger than 60 blocks of 1,024 bytes.
  const Outcome outcome =
      run_program({"bash", "-c", "trap '' XFSZ; ulimit -f 60; exec \"$@\"", "bash", std::getenv("FMPN_DEMO"), "", output});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out.find("wrote"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(output + ".partial is not whole"), std::string::npos) << outcome.out;
  EXPECT_EQ(decode(output, false).frames, 8);
}

TEST_F(Demo, WritesAFileAndNothingElse) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const Outcome outcome = demo({"", pipe});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find(pipe + ": is there, and no file"), std::string::npos) << outcome.err;
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST_F(Demo, DoesNotWriteOverItsInput) {
  const std::string film = folder_.file("film.mp4.partial");
  make_video(film);
  for (const std::string& output : {film, folder_.file("film.mp4")}) {
    const Outcome outcome = demo({film, output});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("would be written over the input"), std::string::npos) << outcome.err;
    EXPECT_EQ(decode(film, false).frames, 8);
  }
}

TEST_F(Demo, NamesWhatIsWrong) {
  const std::string output = folder_.file("out.mp4");
  write_text(folder_.path() / "text.mp4", "this is no video, only a line of text that says so\n");
  for (const std::string& bad : {folder_.file("no-such.mp4"), folder_.file("text.mp4")}) {
    const Outcome outcome = demo({bad, output});
    EXPECT_NE(outcome.status, 0) << bad;
    EXPECT_NE(outcome.err.find(bad), std::string::npos) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(output)) << "a file that is no video leaves nothing behind";
  }
  const Outcome unwritable = demo({"", "/proc/no/out.mp4"});
  EXPECT_NE(unwritable.status, 0);
  EXPECT_NE(unwritable.err.find("/proc/no"), std::string::npos) << unwritable.err;
}

}  // namespace
}  // namespace fmpn::test
