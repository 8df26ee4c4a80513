// What the elements owe a running pipeline: latency, QoS, gaps, flushes, seeks, segments, times without timestamps.

#include <thread>

#include "common/stream_timing.h"
#include "harness.h"

namespace fmpn::test {
namespace {

class Timing : public PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (IsSkipped()) return;
    cv::resize(photo_, small_, {256, 300}, 0, 0, cv::INTER_AREA);
    info_ = video_info("GRAY8", small_.cols, small_.rows);
  }
  /// A frame with the photograph, or an empty one.
  Buffer frame(int number, bool face = true) const {
    return make_buffer(face ? small_ : cv::Mat(small_.rows, small_.cols, CV_8UC3, cv::Scalar(90, 90, 90)), info_, 0, number);
  }
  /// The photograph, and beside it the same once more or nothing.
  Buffer pair(int number, bool both) const {
    cv::Mat other = both ? small_ : cv::Mat(small_.rows, small_.cols, CV_8UC3, cv::Scalar(90, 90, 90)), picture;
    cv::hconcat(small_, other, picture);
    return make_buffer(picture, pair_info(), 0, number);
  }
  GstVideoInfo pair_info() const { return video_info("GRAY8", 2 * small_.cols, small_.rows); }
  static GstEvent* qos(int late_frames, int frame) {
    const GstClockTime time = static_cast<GstClockTime>(frame) * GST_SECOND / 30;
    return gst_event_new_qos(late_frames > 0 ? GST_QOS_TYPE_UNDERFLOW : GST_QOS_TYPE_OVERFLOW, 1,
                             late_frames * static_cast<GstClockTimeDiff>(GST_SECOND / 30) + 10, time);
  }
  static std::size_t count(const std::vector<std::string>& messages, const std::string& part) {
    std::size_t n = 0;
    for (const std::string& message : messages) n += message.find(part) != std::string::npos;
    return n;
  }
  cv::Mat small_;
  GstVideoInfo info_{};
};

// Frames take as long as the test says: the element tells of each late one while it has it, and who listens takes 8 ms.
TEST_F(Timing, LatencyIsUpstreamsAndWhatTheElementsTakeThemselves) {
  Harness h("fmpnclassify mode=sync");
  gst_bus_set_sync_handler(
      GST_ELEMENT_BUS(h.get()->element),
      [](GstBus*, GstMessage* message, gpointer) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_QOS) g_usleep(8000);
        return GST_BUS_PASS;
      },
      nullptr, nullptr);
  gst_harness_set_live(h.get(), TRUE);
  gst_harness_set_upstream_latency(h.get(), 20 * GST_MSECOND);
  h.caps(info_);
  EXPECT_EQ(gst_harness_query_latency(h.get()), 20 * GST_MSECOND) << "nothing is known yet";
  Harness align("fmpnalign");
  align.caps(info_);
  ASSERT_TRUE(h.push(align.push(frame(0))));
  gst_harness_push_upstream_event(h.get(), qos(5, 1));
  for (int i = 1; i < 4; ++i) ASSERT_TRUE(h.push(align.push(frame(i))));
  const GstClockTime latency = gst_harness_query_latency(h.get());
  EXPECT_GE(latency, 30 * GST_MSECOND);
  EXPECT_EQ((latency - 20 * GST_MSECOND) % (5 * GST_MSECOND), 0U) << "in steps of 5 ms";
  GstMessage* message = h.message(GST_MESSAGE_LATENCY);
  ASSERT_NE(message, nullptr) << "the pipeline is told to ask again";
  gst_message_unref(message);
}

TEST_F(Timing, WhatSinksAllowForIsNotToldTwice) {
  Harness h("fmpnalign");
  GstElement* element = gst_harness_find_element(h.get(), "fmpnalign");
  gst::ProcessingLatency latency(gst::kSinkDeadline);
  for (int i = 0; i < 5; ++i) latency.add(element, 18 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 0U);
  for (int i = 0; i < 90; ++i) latency.add(element, 32 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 15 * GST_MSECOND);
  gst_object_unref(element);
}

TEST_F(Timing, AFileHasNoLatency) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(h.push(frame(i)));
  GstQuery* query = gst_query_new_latency();
  gboolean live = TRUE;
  GstClockTime least = 1;
  ASSERT_TRUE(gst_pad_peer_query(h.get()->sinkpad, query));
  gst_query_parse_latency(query, &live, &least, nullptr);
  gst_query_unref(query);
  EXPECT_FALSE(live);
  EXPECT_EQ(least, 0U);
}

TEST_F(Timing, TheAnswerFollowsWhatFramesTake) {
  Harness h("fmpnalign");
  gst_harness_set_live(h.get(), TRUE);
  h.caps(info_);
  GstElement* element = gst_harness_find_element(h.get(), "fmpnalign");
  gst::ProcessingLatency latency;
  const auto told = [&] {  // whether the pipeline is told to ask again
    GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_LATENCY);
    if (message != nullptr) gst_message_unref(message);
    return message != nullptr;
  };
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(latency.answer(GST_BASE_TRANSFORM(element), query));  // the stream is live: it is known now
  gst_query_unref(query);

  latency.add(element, GST_SECOND);
  EXPECT_EQ(latency.value(), 0U) << "the first frame warms up";
  latency.add(element, GST_MSECOND / 2);
  EXPECT_EQ(latency.value(), 0U) << "less than a millisecond is none";
  EXPECT_FALSE(told());
  latency.add(element, 12 * GST_MSECOND);
  latency.add(element, 12 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 15 * GST_MSECOND);
  EXPECT_TRUE(told());
  latency.add(element, 500 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 15 * GST_MSECOND) << "one long frame does not hold back all others";
  for (int i = 0; i < 89; ++i) latency.add(element, 8 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 15 * GST_MSECOND) << "10 is not much less";
  EXPECT_FALSE(told());
  for (int i = 0; i < 90; ++i) latency.add(element, 2 * GST_MSECOND);
  EXPECT_EQ(latency.value(), 5 * GST_MSECOND);
  EXPECT_TRUE(told());
  latency.reset();
  EXPECT_EQ(latency.value(), 0U);
  gst_object_unref(element);
}

TEST_F(Timing, LateFramesCarryTheLastResultAndNoneIsDropped) {
  Harness h("fmpnalign ! fmpnclassify mode=sync");
  h.caps(info_);
  std::vector<int> ago;
  for (int i = 0; i < 10; ++i) {
    if (i == 3) gst_harness_push_upstream_event(h.get(), qos(2, 2));   // frame 2 was two frames late: to frame 6 all are
    if (i == 8) gst_harness_push_upstream_event(h.get(), qos(-1, 7));
    const auto out = h.push(frame(i));
    ASSERT_TRUE(out) << i;
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), 1U) << i;
    ASSERT_TRUE(faces[0].expression) << i;
    ago.push_back(faces[0].expression->frames_ago);
  }
  EXPECT_EQ(ago, (std::vector<int>{0, 0, 0, 1, 2, 3, 4, 0, 0, 0}));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  int told = 0;
  guint64 skipped = 0;
  while (GstMessage* message = gst_bus_pop(GST_ELEMENT_BUS(h.get()->element))) {
    told += GST_MESSAGE_TYPE(message) == GST_MESSAGE_QOS;
    guint64 some = 0;
    if (gst_message_has_name(message, "fmpn-stats") && gst_structure_get_uint64(gst_message_get_structure(message), "skipped", &some))
      skipped += some;
    gst_message_unref(message);
  }
  EXPECT_EQ(told, 4);
  EXPECT_EQ(skipped, 4U);
}

TEST_F(Timing, ALateFrameWithoutAFaceHasMissedNothing) {
  Harness h("fmpnalign detect-interval=1 ! fmpnclassify mode=sync");
  h.caps(info_);
  for (int i = 0; i < 4; ++i) {
    if (i > 0) gst_harness_push_upstream_event(h.get(), qos(10, i - 1));
    ASSERT_TRUE(h.push(frame(i, i == 3)));
  }
  GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_QOS);
  EXPECT_EQ(message, nullptr);
  if (message != nullptr) gst_message_unref(message);
}

TEST_F(Timing, InAStreamThatIsAlwaysLateFacesAreJudgedAllTheSame) {
  Harness h("fmpnalign detect-interval=1 ! fmpnclassify mode=sync");
  h.caps(pair_info());
  std::vector<int> first, second;
  for (int i = 0; i < 25; ++i) {
    if (i > 0) gst_harness_push_upstream_event(h.get(), qos(3, i - 1));
    const auto out = h.push(pair(i, i >= 10));
    ASSERT_TRUE(out) << i;
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), i >= 10 ? 2U : 1U) << i;
    for (const auto& face : faces) {
      ASSERT_TRUE(face.expression) << i;
      (face.track_id == 1 ? first : second).push_back(face.expression->frames_ago);
    }
  }
  ASSERT_EQ(first.size(), 25U);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(first[static_cast<std::size_t>(i)], i % 16) << "15 frames are half a second";
  ASSERT_EQ(second.size(), 15U);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(second[static_cast<std::size_t>(i)], i) << "a face that comes when all is late is judged at once";
}

TEST_F(Timing, ANewFaceIsFoundOnALateFrameTooWhereEveryFrameIsSearched) {
  Harness h("fmpnalign detect-interval=1");
  h.caps(pair_info());
  ASSERT_TRUE(h.push(pair(0, false)));
  gst_harness_push_upstream_event(h.get(), qos(10, 0));
  const auto out = h.push(pair(1, true));
  ASSERT_TRUE(out);
  EXPECT_EQ(gst::read_faces(out.get()).size(), 2U);
}

TEST_F(Timing, AGapEndsAnExpression) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  ASSERT_TRUE(h.push(frame(0)));
  gst_harness_push_event(h.get(), gst_event_new_gap(GST_SECOND / 30, GST_SECOND / 2));
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 0U) << "gone for half a second: may come back";
  gst_harness_push_event(h.get(), gst_event_new_gap(GST_SECOND / 2, 3 * GST_SECOND));
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 1U);
  ASSERT_TRUE(h.push(frame(120)));
}

TEST_F(Timing, EveryOnsetHasItsOffsetAlsoAcrossAFlush) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  std::vector<std::string> messages;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(h.push(frame(i)));
    h.flush();
  }
  messages = h.element_messages("fmpn-expression");
  EXPECT_EQ(count(messages, "event=(string)onset"), 3U);
  EXPECT_EQ(count(messages, "event=(string)offset"), 3U);
}

TEST_F(Timing, ASegmentFromElsewhereEndsWhatWasBefore) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  ASSERT_TRUE(h.push(frame(0)));
  h.go_on_at(GST_SECOND / 30, GST_SECOND / 30);
  ASSERT_TRUE(h.push(frame(1)));
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 0U) << "it goes on from the last frame";
  h.go_on_at(60 * GST_SECOND, GST_SECOND / 15);
  const auto messages = h.element_messages("fmpn-expression");
  ASSERT_EQ(count(messages, "offset"), 1U);
  EXPECT_NE(messages[0].find("running-time=(guint64)33333333"), std::string::npos) << messages[0];
  EXPECT_NE(messages[0].find("stream-time=(guint64)33333333"), std::string::npos) << messages[0] << "where the face was seen last";
  ASSERT_TRUE(h.push(frame(1800)));
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "onset"), 1U);
}

TEST_F(Timing, ASegmentThatGoesOnFromALongFrameEndsNothing) {
  Harness h("fmpnalign ! fmpnclassify");
  GST_VIDEO_INFO_FPS_N(&info_) = 1, GST_VIDEO_INFO_FPS_D(&info_) = 2;  // of a timelapse
  h.caps(info_);
  const auto shot = [&](int number) {
    auto buffer = frame(60 * number);
    GST_BUFFER_DURATION(buffer.get()) = 2 * GST_SECOND;
    return buffer;
  };
  int track = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) h.go_on_at(static_cast<GstClockTime>(2 * i) * GST_SECOND, static_cast<GstClockTime>(2 * i) * GST_SECOND);
    const auto out = h.push(shot(i));
    ASSERT_TRUE(out);
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), 1U);
    if (i == 0) track = faces[0].track_id;
    EXPECT_EQ(faces[0].track_id, track) << i;
  }
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 0U);
  h.go_on_at(60 * GST_SECOND, 8 * GST_SECOND);
  EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 1U);
}

TEST(StreamPosition, AFrameLastsAsLongAsItSaysOrTheRateOrTheOneBefore) {
  GstSegment segment, next;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  const auto left = [&](const gst::StreamPosition& position, double seconds) {
    gst_segment_init(&next, GST_FORMAT_TIME);
    next.start = next.time = static_cast<guint64>(seconds * GST_SECOND);
    next.base = 100 * GST_SECOND;
    GstEvent* event = gst_event_new_segment(&next);
    const bool elsewhere = position.left_by(segment, event);
    gst_event_unref(event);
    return elsewhere;
  };
  enum { kBuffer, kRate, kDistance, kNothing };
  for (const int told : {kBuffer, kRate, kDistance, kNothing}) {
    auto info = video_info("GRAY8", 64, 48);
    GST_VIDEO_INFO_FPS_N(&info) = told == kRate ? 1 : 0;
    GST_VIDEO_INFO_FPS_D(&info) = told == kRate ? 4 : 1;
    gst::StreamPosition position;
    const Buffer buffer(gst_buffer_new());
    for (const int time : {6, 10}) {
      if (told != kDistance && time == 6) continue;
      GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(time) * GST_SECOND;
      GST_BUFFER_DURATION(buffer.get()) = told == kBuffer ? 4 * GST_SECOND : GST_CLOCK_TIME_NONE;
      position.note(segment, buffer.get(), info);
    }
    EXPECT_TRUE(left(position, 8.9)) << told;
    EXPECT_FALSE(left(position, 10)) << told;
    EXPECT_EQ(left(position, 14.9), told == kNothing) << told;
    EXPECT_TRUE(left(position, 15.1)) << told;
    position.reset();
    EXPECT_FALSE(left(position, 60)) << told << ": nobody is there to be gone";
  }
}

TEST_F(Timing, MessagesCountRunningTimeAlsoWithAnotherRateAndBase) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = 2;
  segment.start = segment.time = 10 * GST_SECOND;
  segment.base = 5 * GST_SECOND;
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  ASSERT_TRUE(h.push(frame(330)));  // 11 s: half a second of running time after the base
  const auto messages = h.element_messages("fmpn-expression");
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_NE(messages[0].find("running-time=(guint64)5500000000"), std::string::npos) << messages[0];
  EXPECT_NE(messages[0].find("stream-time=(guint64)11000000000"), std::string::npos) << messages[0];
}

TEST_F(Timing, WithoutTimestampsOrInBytesTimeGoesOnFrameByFrame) {
  for (const GstFormat format : {GST_FORMAT_TIME, GST_FORMAT_BYTES}) {
    for (const int rate : {0, 10}) {
      Harness h("fmpnalign ! fmpnclassify");
      GST_VIDEO_INFO_FPS_N(&info_) = rate;
      h.caps(info_);
      GstSegment segment;
      gst_segment_init(&segment, format);
      gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
      // Gone for a second and a half: at 10 frames a second, or at 30 where no rate is given.
      for (int i = 0; i < 2 + (rate > 0 ? 15 : 45); ++i) {
        auto in = frame(0, i == 0);
        GST_BUFFER_PTS(in.get()) = GST_BUFFER_DURATION(in.get()) = GST_CLOCK_TIME_NONE;
        ASSERT_TRUE(h.push(std::move(in)));
        if (i == (rate > 0 ? 6 : 18)) {
          EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 0U) << rate;
        }
      }
      EXPECT_EQ(count(h.element_messages("fmpn-expression"), "offset"), 1U) << rate;
    }
  }
}

TEST_F(Timing, StatsAddUp) {
  Harness h("fmpnalign ! fmpnclassify");
  h.caps(info_);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(h.push(frame(i, i != 2)));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  guint64 frames = 0, faces = 0, inferences = 0;
  for (const std::string& text : h.element_messages("fmpn-stats")) {
    GstStructure* s = gst_structure_from_string(text.c_str(), nullptr);
    guint64 value = 0;
    gst_structure_get_uint64(s, "frames", &value), frames += value;
    gst_structure_get_uint64(s, "faces", &value), faces += value;
    gst_structure_get_uint64(s, "inferences", &value), inferences += value;
    for (const char* field : {"seconds", "latency-p50", "latency-p95", "latency-max"})
      EXPECT_TRUE(gst_structure_has_field_typed(s, field, G_TYPE_DOUBLE)) << field;
    gst_structure_free(s);
  }
  EXPECT_EQ(frames, 5U);
  EXPECT_EQ(faces, 4U);
  EXPECT_EQ(inferences, 4U);
}

/// Waits for a state change that may be asynchronous.
bool reach(GstElement* pipeline, GstState state) {
  gst_element_set_state(pipeline, state);
  return gst_element_get_state(pipeline, nullptr, nullptr, 20 * GST_SECOND) != GST_STATE_CHANGE_FAILURE;
}

TEST(TimingPipeline, SeeksInPausedAndPlaysToTheEndAgain) {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc num-buffers=60 ! video/x-raw,width=160,height=120,framerate=30/1 ! fmpnalign ! fmpnmask ! fmpnclassify ! fmpnoverlay ! "
      "fakesink sync=false name=sink",
      nullptr);
  ASSERT_NE(pipeline, nullptr);
  ASSERT_TRUE(reach(pipeline, GST_STATE_PAUSED));
  for (const gint64 target : {gint64(GST_SECOND), gint64(GST_SECOND / 2), gint64{0}}) {
    ASSERT_TRUE(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                                        target));
    ASSERT_EQ(gst_element_get_state(pipeline, nullptr, nullptr, 20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  }
  ASSERT_TRUE(reach(pipeline, GST_STATE_PLAYING));
  ASSERT_TRUE(reach(pipeline, GST_STATE_PAUSED));
  ASSERT_TRUE(reach(pipeline, GST_STATE_PLAYING));
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(GST_MESSAGE_TYPE(end), GST_MESSAGE_EOS);
  gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}

TEST(TimingPipeline, StatsDoNotCountTheWaitAfterThePreroll) {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc num-buffers=3 ! video/x-raw,width=96,height=96,framerate=30/1 ! fmpnclassify ! fakesink sync=true", nullptr);
  ASSERT_NE(pipeline, nullptr);
  ASSERT_TRUE(reach(pipeline, GST_STATE_PAUSED));
  g_usleep(1'100'000);
  const gint64 begun = g_get_monotonic_time();
  ASSERT_TRUE(reach(pipeline, GST_STATE_PLAYING));
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT));
  ASSERT_NE(end, nullptr);
  const auto played = static_cast<double>(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
  ASSERT_TRUE(gst_message_has_name(end, "fmpn-stats"));
  gdouble seconds = 0;
  gst_structure_get_double(gst_message_get_structure(end), "seconds", &seconds);
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, played);
  gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}

TEST(TimingPipeline, TwoHundredStartsAndStops) {
  // Holds the models that all who load them share, so that the test's time does not go into reading files.
  const Harness holder("fmpnalign ! fmpnclassify");
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc num-buffers=2 ! video/x-raw,width=96,height=96 ! fmpnalign ! fmpnmask ! fmpnclassify mode=async ! fmpnoverlay ! "
      "fakesink",
      nullptr);
  ASSERT_NE(pipeline, nullptr);
  for (int i = 0; i < 200; ++i) {
    ASSERT_NE(gst_element_set_state(pipeline, i % 3 == 0 ? GST_STATE_PAUSED : GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE) << i;
    if (i % 2 == 0) gst_element_get_state(pipeline, nullptr, nullptr, 20 * GST_SECOND);
    ASSERT_NE(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_FAILURE) << i;
  }
  gst_object_unref(pipeline);
}

}  // namespace
}  // namespace fmpn::test
