// fmpn-demo: the main job, on the photograph's pan and on a file.

#include <cstdlib>
#include <filesystem>
#include <regex>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

constexpr const char* kPhotograph = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg";

/// Frames that a video file decodes to; -1 where it does not decode.
int frames_in(const std::string& path) {
  GstElement* pipeline = gst_parse_launch(("filesrc location=" + path + " ! decodebin ! fakesink name=sink sync=false").c_str(), nullptr);
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  GstPad* pad = gst_element_get_static_pad(sink, "sink");
  int frames = 0;
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, [](GstPad*, GstPadProbeInfo*, gpointer count) {
    ++*static_cast<int*>(count);
    return GST_PAD_PROBE_OK;
  }, &frames, nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  const bool whole = end != nullptr && GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS;
  if (end != nullptr) gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pad);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  return whole ? frames : -1;
}

class Demo : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(std::getenv("FMPN_DEMO"), nullptr) << "run through meson test";
    if (!std::filesystem::exists(kPhotograph)) GTEST_SKIP() << kPhotograph << " is not installed";
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
  EXPECT_TRUE(
      std::regex_search(outcome.out, std::regex("face 1: \\d+ frames, last box x=\\d+ y=\\d+ w=\\d+ h=\\d+, label \\w+ \\(\\d+ %\\)")))
      << outcome.out;
  for (const char* name : {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"})
    EXPECT_TRUE(std::regex_search(outcome.out, std::regex(std::string(name) + " [01]\\.\\d{3}"))) << outcome.out;
  EXPECT_EQ(frames_in(output), 240);

  // Its own output is a video file like any other; the picture has the frames of the first.
  const std::string again = folder_.file("again.mp4");
  const Outcome second = demo({output, again});
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.out.find("240 frames"), std::string::npos) << second.out;
  EXPECT_EQ(frames_in(again), 240);
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
