// fmpn-annotate: films whose times, tracks or sound are not as one would wish. Rows and video have to agree all the same.
#include "annotate_program.h"

namespace fmpn::test {
namespace {

GstPadProbeReturn set_time(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& times = *static_cast<std::vector<double>*>(data);
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(times.front() * GST_SECOND);
  GST_BUFFER_DTS(buffer) = GST_BUFFER_DURATION(buffer) = GST_CLOCK_TIME_NONE;
  times.erase(times.begin());
  return GST_PAD_PROBE_OK;
}

/// A film without a frame rate, whose frames have these times and no durations.
void make_timed(const std::string& path, std::vector<double> times) {
  run_pipeline("videotestsrc pattern=ball num-buffers=" + std::to_string(times.size()) +
                   " ! video/x-raw,width=160,height=120,framerate=25/1 ! jpegenc ! capssetter caps=image/jpeg,framerate=0/1 ! "
                   "identity name=times ! matroskamux ! filesink location=\"" + path + "\"",
               {{"times", "src", set_time, &times}});
}

class AnnotateTimes : public AnnotateProgram {
 protected:
  std::vector<double> row_times(const std::string& name) const {
    std::vector<double> times;
    for (const std::string& line : lines(name + "/" + name + ".jsonl")) {
      const auto row = nlohmann::json::parse(line);
      if (row.at("frame") == times.size()) times.push_back(row.at("timestamp"));
    }
    return times;
  }

  /// Of a result of the program's, which has to have so many frames.
  void expect_agreement(const std::string& name, const std::string& video, std::size_t frames) const {
    const std::string what = name + "." + video;
    const std::vector<double> rows = row_times(name), shown = decode(out(name + "/" + what), false).times;
    ASSERT_EQ(rows.size(), frames) << what;
    ASSERT_EQ(shown.size(), frames) << what;
    EXPECT_NEAR(rows[0], 0, 1e-9) << what;
    for (std::size_t i = 0; i < frames; ++i) EXPECT_NEAR(rows[i], shown[i], 0.0006) << what << ", frame " << i;
    for (std::size_t i = 1; i < frames; ++i) EXPECT_GT(rows[i], rows[i - 1]) << what << ", frame " << i;
  }
};

TEST_F(AnnotateTimes, RowsAndVideoAgreeWhateverTimesTheFileHas) {
  make_timed(file("repeats.mkv"), {0, 0, 0, 0.04, 0.04, 0.08, 0.08});
  make_timed(file("back.mkv"), {0, 0.04, 0.08, 0.02, 0.06, 0.5});
  make_timed(file("uneven.mkv"), {0, 0.001, 0.5, 2, 2.04, 5});
  run_pipeline("videotestsrc pattern=ball num-buffers=5 ! video/x-raw,width=160,height=120 ! jpegenc ! filesink location=" +
               file("without.mjpg"));
  VideoSpec spec;
  spec.muxer = "mpegtsmux";  // its segment begins before its first frame
  spec.sound = true;
  make_video(file("broadcast.ts"), spec);
  for (const char* video : {"mp4", "mkv", "webm"}) {
    const Outcome run =
        annotate({"repeats.mkv", "back.mkv", "uneven.mkv", "without.mjpg", "broadcast.ts", "--video", video, "--no-report"});
    EXPECT_EQ(run.status, 0) << video << ": " << run.err;
    expect_agreement("repeats", video, 7);
    expect_agreement("back", video, 6);
    expect_agreement("uneven", video, 6);
    expect_agreement("without", video, 5);
    expect_agreement("broadcast", video, 8);
    EXPECT_DOUBLE_EQ(row_times("uneven").back(), 5) << "times that are right stay";
    EXPECT_NEAR(row_times("without").back(), 0.16, 1e-9) << "25 frames a second";
  }
}

TEST_F(AnnotateTimes, ATrackThatIsNotShownMayBeTheLongest) {
  const std::string sound = " samplesperbuffer=4800 ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! queue ! mux. ";
  run_pipeline(
      "videotestsrc pattern=ball num-buffers=10 ! video/x-raw,width=160,height=120,framerate=10/1 ! x264enc tune=zerolatency ! "
      "matroskamux name=mux ! filesink location=" + file("whole.mkv") + " audiotestsrc num-buffers=10" + sound +
      "audiotestsrc freq=200 num-buffers=60" + sound);
  const std::string whole = read_text(file("whole.mkv"));
  write_text(file("cut.mkv"), whole.substr(0, whole.size() / 2));
  const Outcome run = annotate({"whole.mkv", "cut.mkv", "--no-report"});
  EXPECT_TRUE(is_there("whole")) << run.err;
  EXPECT_FALSE(is_there("cut"));
  EXPECT_TRUE(contains(run.err, "cut.mkv: it is cut off")) << run.err;
}

TEST_F(AnnotateTimes, SoundOfManyChannelsWithoutPositionsBecomesStereo) {
  for (const std::string channels : {"3", "6", "10"})
    run_pipeline(
        "videotestsrc pattern=ball num-buffers=5 ! video/x-raw,width=160,height=120,framerate=10/1 ! x264enc ! qtmux name=mux ! filesink "
        "location=" + file(channels + ".mov") + " audiotestsrc num-buffers=5 samplesperbuffer=4800 ! "
        "audio/x-raw,format=S16LE,rate=48000,channels=" + channels + ",channel-mask=(bitmask)0 ! mux.");
  for (const char* video : {"mp4", "webm"}) {
    const Outcome run = annotate({"3.mov", "6.mov", "10.mov", "--video", video, "--no-report"});
    EXPECT_EQ(run.status, 0) << video << ": " << run.err;
    for (const std::string name : {"3", "6", "10"}) {
      const Decoded both = decode(out(name + "/" + name + "." + video), true);
      EXPECT_EQ(both.frames, 5) << name;
      EXPECT_GT(both.sounds, 0) << name;
    }
  }
}

}  // namespace
}  // namespace fmpn::test
