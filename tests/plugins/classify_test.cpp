#include <thread>

#include "harness.h"
#include "other_model.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

class ClassifyElement : public PhotographTest {
 protected:
  std::vector<gst::FaceAnnotation> run(Harness& h, const char* format = "I420", int frame = 0) {
    const auto info = video_info(format, photo_.cols, photo_.rows);
    h.caps(info);
    const auto out = h.push(make_buffer(photo_, info, 0, frame));
    EXPECT_TRUE(out);
    return out ? gst::read_faces(out.get()) : std::vector<gst::FaceAnnotation>{};
  }
};

TEST_F(ClassifyElement, AMaskElementInBetweenChangesNothing) {
  Harness without("fmpnalign ! fmpnclassify"), with("fmpnalign ! fmpnmask ! fmpnclassify");
  const auto a = run(without), b = run(with);
  ASSERT_EQ(a.size(), 1U);
  ASSERT_EQ(b.size(), 1U);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(a[0].expression->distribution[i].second, b[0].expression->distribution[i].second, 1e-6);
  ASSERT_TRUE(a[0].mask);
  ASSERT_TRUE(b[0].mask);
  EXPECT_EQ(a[0].mask->values, b[0].mask->values);
}

TEST_F(ClassifyElement, AnotherModelsMasksAreNotTaken) {
  const TemporaryFolder folder;
  const std::string other = folder.file("other.safetensors");
  write_other_model(other);
  Harness alone("fmpnalign ! fmpnclassify model=" + other), own("fmpnalign ! fmpnclassify");
  const auto wanted = run(alone), by_own = run(own);
  ASSERT_EQ(wanted.size(), 1U);
  ASSERT_EQ(by_own.size(), 1U);
  EXPECT_GT(std::abs(wanted[0].expression->confidence - by_own[0].expression->confidence), 1e-4) << "else this test sees nothing";
  for (const char* before : {"fmpnmask", "fmpnclassify"}) {
    Harness h(std::string("fmpnalign ! ") + before + " ! fmpnclassify model=" + other);
    const auto faces = run(h);
    ASSERT_EQ(faces.size(), 1U);
    EXPECT_EQ(faces[0].expression->distribution, wanted[0].expression->distribution) << before;
  }
}

TEST_F(ClassifyElement, MakesItsOwnCropWhereTheAlignersHasAnotherSize) {
  Harness same("fmpnalign crop-size=52 ! fmpnclassify"), other("fmpnalign crop-size=112 ! fmpnclassify");
  const auto a = run(same), b = run(other);
  ASSERT_EQ(a.size(), 1U);
  ASSERT_EQ(b.size(), 1U);
  EXPECT_EQ(a[0].expression->distribution, b[0].expression->distribution);
}

TEST_F(ClassifyElement, NamesEveryFieldOfTheContract) {
  Harness h("fmpnalign ! fmpnclassify min-confidence=0 min-quality=0");
  const auto info = video_info("NV12", photo_.cols, photo_.rows);
  h.caps(info);
  const auto out = h.push(make_buffer(photo_, info));
  ASSERT_TRUE(out);
  auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
  ASSERT_NE(region, nullptr);
  EXPECT_STREQ(g_quark_to_string(region->roi_type), "face");
  EXPECT_NE(region->id, 0);
  const auto has = [&](const char* param, std::vector<const char*> fields) {
    const GstStructure* s = gst_video_region_of_interest_meta_get_param(region, param);
    ASSERT_NE(s, nullptr) << param;
    for (const char* field : fields) EXPECT_TRUE(gst_structure_has_field(s, field)) << param << "." << field;
  };
  has("detection", {"x_min", "x_max", "y_min", "y_max", "confidence", "label_id", "model_name", "layer_name"});
  has("object_id", {"id"});
  has("landmarks", {"format", "data_buffer", "points"});
  has("expression",
      {"label", "label_id", "confidence", "model_name", "layer_name", "attribute_name", "type", "distribution", "entropy", "frames_ago"});
  const auto faces = gst::read_faces(out.get());
  const auto& e = *faces.at(0).expression;
  ASSERT_GE(e.label_id, 0);
  EXPECT_EQ(e.label, e.distribution[static_cast<std::size_t>(e.label_id)].first);
  EXPECT_DOUBLE_EQ(e.confidence, e.distribution[static_cast<std::size_t>(e.label_id)].second);
}

TEST_F(ClassifyElement, AbstainsBelowMinConfidenceAndMinQuality) {
  cv::GaussianBlur(photo_, photo_, {}, 6);  // of the photograph itself the quality is 1
  for (const char* launch : {"fmpnalign ! fmpnclassify min-confidence=1", "fmpnalign ! fmpnclassify min-confidence=0 min-quality=0.9"}) {
    Harness h(launch);
    const auto faces = run(h);
    ASSERT_EQ(faces.size(), 1U);
    EXPECT_EQ(faces[0].expression->label, "uncertain") << launch << ": quality " << faces[0].quality;
    EXPECT_EQ(faces[0].expression->label_id, -1);
    EXPECT_NEAR(sum_of(*faces[0].expression), 1, 1e-5) << "the distribution is told all the same";
  }
}

TEST_F(ClassifyElement, SaysOnceThatFacesAreNotAligned) {
  Harness h("fmpnclassify");
  const auto info = video_info("I420", 64, 48);
  h.caps(info);
  for (int i = 0; i < 2; ++i) {
    Buffer in = make_buffer(cv::Mat(48, 64, CV_8UC3, cv::Scalar(90, 90, 90)), info, 0, i);
    gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 10, 10, 30, 30);
    ASSERT_TRUE(h.push(std::move(in))) << "a detector's faces pass all the same";
  }
  int warnings = 0;
  while (GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_WARNING)) {
    GError* warning = nullptr;
    gst_message_parse_warning(message, &warning, nullptr);
    EXPECT_NE(std::string(warning->message).find("fmpnalign"), std::string::npos) << warning->message;
    g_error_free(warning);
    gst_message_unref(message);
    ++warnings;
  }
  EXPECT_EQ(warnings, 1);
}

TEST_F(ClassifyElement, FacesThatTheAlignerLeavesOutAreNoReasonToWarn) {
  Harness h("fmpnalign max-faces=1 ! fmpnclassify");
  const auto info = video_info("I420", 64, 48);
  h.caps(info);
  Buffer in = make_buffer(cv::Mat(48, 64, CV_8UC3, cv::Scalar(90, 90, 90)), info);
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 10, 10, 30, 30);
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 5, 5, 20, 20);
  ASSERT_TRUE(h.push(std::move(in)));
  EXPECT_EQ(gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_WARNING), nullptr);
}

TEST_F(ClassifyElement, PostsOnsetAndOffset) {
  Harness h("fmpnalign ! fmpnclassify");
  run(h);
  gst_harness_push_event(h.get(), gst_event_new_eos());
  const auto messages = h.element_messages("fmpn-expression");
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_NE(messages[0].find("event=(string)onset"), std::string::npos);
  EXPECT_NE(messages[1].find("event=(string)offset"), std::string::npos);
}

TEST_F(ClassifyElement, AStopWithoutAnEndEndsTheExpressionsToo) {
  Harness h("fmpnalign ! fmpnclassify");
  run(h);
  ASSERT_EQ(h.element_messages("fmpn-expression").size(), 1U);
  gst_element_set_state(h.get()->element, GST_STATE_READY);
  const auto messages = h.element_messages("fmpn-expression");
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_NE(messages[0].find("event=(string)offset"), std::string::npos);
}

TEST_F(ClassifyElement, AnotherModelWhileItPlays) {
  const TemporaryFolder folder;
  const std::string other = folder.file("other.safetensors");
  write_other_model(other);
  Harness h("fmpnalign ! fmpnclassify name=c ! fmpnrecord location=" + folder.file("rows"));
  const auto before = run(h);
  ASSERT_EQ(before.size(), 1U);
  GstElement* classify = gst_bin_get_by_name(GST_BIN(h.get()->element), "c");
  gst_element_set_state(classify, GST_STATE_READY);
  g_object_set(classify, "model", other.c_str(), nullptr);
  ASSERT_TRUE(gst_element_sync_state_with_parent(classify));
  gst_object_unref(classify);
  const auto out = h.push(make_buffer(photo_, video_info("I420", photo_.cols, photo_.rows), 0, 1));
  ASSERT_TRUE(out);
  const auto after = gst::read_faces(out.get());
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].track_id, before[0].track_id);
  EXPECT_EQ(before[0].expression->distribution.back().first, "neutral");
  EXPECT_EQ(after[0].expression->distribution.back().first, "contempt");
  EXPECT_NE(read_text(folder.file("rows")).find("contempt"), std::string::npos);
  std::string events;
  for (const std::string& message : h.element_messages("fmpn-expression"))
    for (const char* event : {"onset", "change", "offset"})
      if (message.find(std::string("(string)") + event) != std::string::npos) events += std::string(event) + ' ';
  EXPECT_EQ(events, "onset offset onset ");
}

TEST_F(ClassifyElement, WhatItAbstainsByCanBeSetAtAnyTime) {
  Harness h("fmpnalign ! fmpnclassify name=c min-confidence=0");
  EXPECT_NE(run(h).at(0).expression->label, "uncertain");
  GstElement* classify = gst_bin_get_by_name(GST_BIN(h.get()->element), "c");
  g_object_set(classify, "min-confidence", 1.0, nullptr);
  EXPECT_EQ(run(h, "I420", 1).at(0).expression->label, "uncertain");
  g_object_set(classify, "min-confidence", 0.0, "min-quality", 1.0, nullptr);
  cv::GaussianBlur(photo_, photo_, {}, 6);
  EXPECT_EQ(run(h, "I420", 2).at(0).expression->label, "uncertain");
  g_object_set(classify, "min-quality", 0.0, nullptr);
  EXPECT_NE(run(h, "I420", 3).at(0).expression->label, "uncertain");
  gst_object_unref(classify);
}

TEST_F(ClassifyElement, ASecondRunEqualsTheFirst) {
  Harness h("fmpnalign ! fmpnclassify");
  const auto first = run(h);
  gst_element_set_state(h.get()->element, GST_STATE_NULL);
  gst_harness_play(h.get());
  gst_harness_push_event(h.get(), gst_event_new_stream_start("again"));
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  gst_harness_push_event(h.get(), gst_event_new_caps(gst_video_info_to_caps(&info)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  const auto out = h.push(make_buffer(photo_, info));
  ASSERT_TRUE(out);
  const auto second = gst::read_faces(out.get());
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0].track_id, second[0].track_id);
  EXPECT_EQ(first[0].expression->distribution, second[0].expression->distribution);
}

TEST_F(ClassifyElement, FollowsAChangeOfSizeAndFormat) {
  Harness h("fmpnalign ! fmpnclassify ! fmpnoverlay");
  int frame = 0;
  for (const auto& [format, width] : {std::pair{"I420", 512}, std::pair{"BGR", 512}, std::pair{"NV12", 401}, std::pair{"GRAY8", 640}}) {
    const auto info = video_info(format, width, width * 600 / 512);
    h.caps(info);
    const auto out = h.push(make_buffer(photo_, info, 0, frame++));
    ASSERT_TRUE(out) << format << width;
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), 1U) << format << width;
    EXPECT_TRUE(faces[0].expression);
  }
}

TEST_F(ClassifyElement, TwoInstancesWorkSideBySide) {
  Harness a("fmpnalign ! fmpnclassify"), b("fmpnalign ! fmpnclassify");
  std::vector<gst::FaceAnnotation> results[2];
  std::thread other([&] { results[1] = run(b); });
  results[0] = run(a);
  other.join();
  ASSERT_EQ(results[0].size(), 1U);
  ASSERT_EQ(results[1].size(), 1U);
  for (std::size_t i = 0; i < 7; ++i)
    EXPECT_NEAR(results[0][0].expression->distribution[i].second, results[1][0].expression->distribution[i].second, 1e-6);
}

TEST_F(ClassifyElement, WorksWithoutTimestamps) {
  Harness h("fmpnalign ! fmpnclassify");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  for (int i = 0; i < 3; ++i) {
    auto in = make_buffer(photo_, info);
    GST_BUFFER_PTS(in.get()) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(in.get()) = GST_CLOCK_TIME_NONE;
    const auto out = h.push(std::move(in));
    ASSERT_TRUE(out);
    EXPECT_TRUE(gst::read_faces(out.get()).at(0).expression);
  }
}

}  // namespace
}  // namespace fmpn::test
