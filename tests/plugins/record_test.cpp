// The element fmpnrecord.
#include <chrono>
#include <csignal>
#include <thread>

#include <nlohmann/json.hpp>

#include "harness.h"
#include "other_model.h"
#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

using nlohmann::json;

class RecordElement : public PhotographTest {
 protected:
  std::vector<json> rows(const std::string& name) const {
    std::vector<json> result;
    std::istringstream text(read_text(folder_.file(name)));
    for (std::string line; std::getline(text, line);) result.push_back(json::parse(line));
    return result;
  }
  const TemporaryFolder folder_;
};

TEST_F(RecordElement, WritesAFaceAndAnEmptyFrame) {
  Harness h(("fmpnalign detect-interval=1 ! fmpnclassify ! fmpnrecord location=" + folder_.file("out")));
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  ASSERT_TRUE(h.push(make_buffer(photo_, info, 0, 0)));
  ASSERT_TRUE(h.push(make_buffer(cv::Mat(photo_.size(), CV_8UC3, cv::Scalar(90, 120, 40)), info, 0, 1)));
  ASSERT_TRUE(gst_harness_push_event(h.get(), gst_event_new_eos()));
  const auto found = rows("out");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].at("frame"), 0);
  EXPECT_EQ(found[0].at("face_id"), 1);
  EXPECT_EQ(found[0].at("frames_ago"), 0);
  EXPECT_GT(found[0].at("w"), 80);
  double sum = 0;
  for (const auto& p : found[0].at("probabilities")) sum += p.get<double>();
  EXPECT_NEAR(sum, 1, 1e-4);
  EXPECT_EQ(found[1].at("frame"), 1);
  EXPECT_NEAR(found[1].at("timestamp"), 1.0 / 30, 1e-6);
  EXPECT_TRUE(found[1].at("face_id").is_null());
}

TEST_F(RecordElement, FacesWithoutATrackHaveIdsThatNoTrackHas) {
  Harness h("fmpnrecord location=" + folder_.file("out"));
  const auto info = video_info("I420", 160, 120);
  h.caps(info);
  auto in = make_buffer(cv::Mat(120, 160, CV_8UC3, cv::Scalar(90, 120, 40)), info);
  for (const auto& [region, track] : {std::pair{2, 0}, std::pair{0, 0}, std::pair{0, 0}, std::pair{5, 2}}) {
    auto* added = gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 10, 10, 50, 50);
    added->id = region;
    if (track != 0)
      gst_video_region_of_interest_meta_add_param(added, gst_structure_new("object_id", "id", G_TYPE_INT, track, nullptr));
  }
  ASSERT_TRUE(h.push(std::move(in)));
  ASSERT_TRUE(gst_harness_push_event(h.get(), gst_event_new_eos()));
  std::vector<int> ids;
  for (const json& row : rows("out")) ids.push_back(row.at("face_id"));
  EXPECT_EQ(ids, (std::vector<int>{-2, -1, -3, 2}));
}

TEST_F(RecordElement, TheTablesColumnsAreThereBeforeTheFirstFace) {
  Harness h("fmpnalign ! fmpnclassify ! fmpnrecord format=csv location=" + folder_.file("out"));
  const auto info = video_info("I420", 160, 120);
  h.caps(info);
  ASSERT_TRUE(h.push(make_buffer(cv::Mat(120, 160, CV_8UC3, cv::Scalar(90, 120, 40)), info)));
  EXPECT_EQ(read_text(folder_.file("out")),
            "frame,timestamp,face_id,x,y,w,h,face_score,quality,label,confidence,anger,disgust,fear,happiness,sadness,surprise,neutral\n"
            "0,0.000000,,,,,,,,,,,,,,,,\n");
}

TEST_F(RecordElement, TheTablesColumnsAreTheNearestModels) {
  const std::string other = folder_.file("other.safetensors");
  write_other_model(other);
  Harness h("fmpnalign ! fmpnclassify ! fmpnrecord format=csv location=" + folder_.file("first") + " ! fmpnclassify model=" + other +
            " ! fmpnrecord format=csv location=" + folder_.file("second"));
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  ASSERT_TRUE(h.push(make_buffer(photo_, info)));
  EXPECT_NE(read_text(folder_.file("first")).find(",surprise,neutral\n0,"), std::string::npos);
  EXPECT_NE(read_text(folder_.file("second")).find(",surprise,contempt\n0,"), std::string::npos);
}

TEST_F(RecordElement, TimeIsTheMediums) {
  Harness h("fmpnrecord location=" + folder_.file("out"));
  const auto info = video_info("I420", 16, 16);
  h.caps(info);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = 100 * GST_SECOND;
  segment.time = 3 * GST_SECOND;
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  Buffer timed = make_buffer(cv::Mat(16, 16, CV_8UC3), info), timeless = make_buffer(cv::Mat(16, 16, CV_8UC3), info);
  GST_BUFFER_PTS(timed.get()) = 101 * GST_SECOND;
  GST_BUFFER_PTS(timeless.get()) = GST_CLOCK_TIME_NONE;
  ASSERT_TRUE(h.push(std::move(timed)));
  ASSERT_TRUE(h.push(std::move(timeless)));
  const auto found = rows("out");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].at("timestamp"), 4.0);
  EXPECT_EQ(found[0].at("pts"), 101000000000ULL);
  EXPECT_TRUE(found[1].at("timestamp").is_null());
}

TEST_F(RecordElement, PassesSharedBuffersOnAsTheyAre) {
  Harness h("fmpnrecord location=" + folder_.file("out"));
  const auto info = video_info("I420", 16, 16);
  h.caps(info);
  auto in = make_buffer(cv::Mat(16, 16, CV_8UC3), info);
  const Buffer kept(gst_buffer_ref(in.get()));
  EXPECT_EQ(h.push(std::move(in)).get(), kept.get());
}

TEST_F(RecordElement, NumbersFramesAcrossASeekAndCapsChanges) {
  Harness h("fmpnrecord location=" + folder_.file("out"));
  for (const int side : {16, 32}) {
    const auto info = video_info("I420", side, side);
    h.caps(info);
    ASSERT_TRUE(h.push(make_buffer(cv::Mat(16, 16, CV_8UC3), info)));
  }
  h.flush();
  ASSERT_TRUE(h.push(make_buffer(cv::Mat(16, 16, CV_8UC3), video_info("I420", 32, 32))));
  const auto found = rows("out");
  ASSERT_EQ(found.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(found[i].at("frame"), i);
}

TEST_F(RecordElement, GoesOnAfterASeekFromTheEnd) {
  for (const auto& [format, lines] : {std::pair{"jsonl", 2}, std::pair{"csv", 3}, std::pair{"vtt", 1}}) {
    Harness h(std::string("fmpnrecord format=") + format + " location=" + folder_.file(format));
    const auto info = video_info("I420", 16, 16);
    h.caps(info);
    ASSERT_TRUE(h.push(make_buffer(cv::Mat(16, 16, CV_8UC3), info)));
    gst_harness_push_event(h.get(), gst_event_new_eos());
    h.flush();
    ASSERT_TRUE(h.push(make_buffer(cv::Mat(16, 16, CV_8UC3), info))) << format;
    gst_harness_push_event(h.get(), gst_event_new_eos());
    const std::string text = read_text(folder_.file(format));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), lines) << text;
  }
}

/// Runs a pipeline to its end; the error's message, or nothing.
std::string run_to_end(GstElement* pipeline, GQuark domain, int code) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  std::string text = message == nullptr ? "neither error nor end" : "";
  if (message != nullptr && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    text = error->message;
    EXPECT_TRUE(g_error_matches(error, domain, code)) << text;
    g_error_free(error);
  }
  if (message != nullptr) gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  return text;
}

TEST_F(RecordElement, AFullDiskStopsTheStreamWithAnError) {
  GstElement* pipeline = gst_parse_launch("videotestsrc num-buffers=5 ! fmpnrecord location=/dev/full ! fakesink", nullptr);
  EXPECT_NE(run_to_end(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE).find("No space left"), std::string::npos);
  gst_object_unref(pipeline);
}

TEST_F(RecordElement, AnEndThatCannotBeWrittenIsAnErrorToo) {
  // A WebVTT file whose only text is its header, written when the stream ends without a frame.
  GstElement* pipeline = gst_parse_launch("videotestsrc num-buffers=0 ! fmpnrecord format=vtt location=/dev/full ! fakesink", nullptr);
  EXPECT_NE(run_to_end(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE).find("/dev/full"), std::string::npos);
  gst_object_unref(pipeline);
}

TEST_F(RecordElement, WhatCannotBeWrittenDoesNotKeepThePipelineFromStopping) {
  Harness h("fmpnrecord format=vtt location=/dev/full");
  const auto info = video_info("I420", 16, 16);
  h.caps(info);  // without a frame the heading is written at the end
  EXPECT_EQ(gst_element_set_state(h.get()->element, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr) << "it is told all the same";
  gst_message_unref(message);
}

TEST_F(RecordElement, AnEndThatCannotBeWrittenIsToldOnce) {
  Harness h("fmpnrecord format=csv location=/dev/full");
  const auto info = video_info("I420", 16, 16);
  h.caps(info);
  gst_harness_push_event(h.get(), gst_event_new_eos());
  h.flush();
  EXPECT_FALSE(h.push(make_buffer(cv::Mat(16, 16, CV_8UC3), info))) << "a record that can't be whole must not seem so";
  gst_element_set_state(h.get()->element, GST_STATE_READY);
  int errors = 0;
  while (GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_ERROR)) {
    gst_message_unref(message);
    ++errors;
  }
  EXPECT_EQ(errors, 1);
}

TEST_F(RecordElement, NeedsALocationThatCanBeWritten) {
  for (const auto& [settings, code] : std::vector<std::pair<std::string, int>>{{"", GST_RESOURCE_ERROR_SETTINGS},
                                                                               {"location=/no/such/folder/x", GST_RESOURCE_ERROR_WRITE}}) {
    GstElement* pipeline = gst_parse_launch(("videotestsrc num-buffers=1 ! fmpnrecord " + settings + " ! fakesink").c_str(), nullptr);
    EXPECT_NE(run_to_end(pipeline, GST_RESOURCE_ERROR, code), "") << settings;
    gst_object_unref(pipeline);
  }
}

TEST_F(RecordElement, ASecondRunEqualsTheFirst) {
  GstElement* pipeline =
      gst_parse_launch(("videotestsrc num-buffers=4 ! fmpnrecord location=" + folder_.file("out") + " ! fakesink").c_str(), nullptr);
  EXPECT_EQ(run_to_end(pipeline, 0, 0), "");
  const std::string first = read_text(folder_.file("out"));
  EXPECT_EQ(run_to_end(pipeline, 0, 0), "");
  EXPECT_EQ(read_text(folder_.file("out")), first);
  EXPECT_EQ(rows("out").size(), 4U);
  gst_object_unref(pipeline);
}

TEST_F(RecordElement, IsCompleteAfterAnInterruption) {
  const std::string out = folder_.file("out");
  Program launch({"gst-launch-1.0", "-e", "videotestsrc", "is-live=true", "!", "video/x-raw,framerate=100/1,width=16,height=16", "!",
                  "fmpnrecord", "location=" + out, "format=vtt", "!", "fakesink"});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!std::filesystem::exists(out) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ASSERT_TRUE(launch.running());
  launch.send(SIGINT);
  EXPECT_EQ(launch.wait().status, 0);
  EXPECT_EQ(read_text(out), "WEBVTT\n");
}

TEST_F(RecordElement, EveryFrameBeforeAnInterruptionHasItsRow) {
  const std::string out = folder_.file("out");
  Program launch({"gst-launch-1.0", "-e", "videotestsrc", "is-live=true", "!", "video/x-raw,framerate=100/1,width=16,height=16", "!",
                  "fmpnrecord", "location=" + out, "!", "fakesink"});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((!std::filesystem::exists(out) || std::filesystem::file_size(out) < 500) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  launch.send(SIGINT);
  EXPECT_EQ(launch.wait().status, 0);
  const std::string text = read_text(out);
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(text.back(), '\n');
  const auto found = rows("out");
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].at("frame"), i);
  EXPECT_GE(found.size(), 5U);
}

}  // namespace
}  // namespace fmpn::test
