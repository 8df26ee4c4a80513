#include <fstream>
#include <utility>

#include <fmpn/engine.h>

#include "common/raw_video.h"
#include "expect_error.h"
#include "harness.h"
#include "other_model.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

/// Tries to start an element; expects one error with this domain and code that names `thing`, and in its detail the vfunc.
void expect_start_error(const std::string& launch, GQuark domain, int code, const std::string& thing) {
  GError* parse_error = nullptr;
  GstElement* pipeline = gst_parse_launch(("fakesrc ! " + launch + " ! fakesink").c_str(), &parse_error);
  ASSERT_EQ(parse_error, nullptr) << parse_error->message;
  EXPECT_EQ(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE) << launch;
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, GST_SECOND, GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr) << launch;
  GError* error = nullptr;
  gchar* detail = nullptr;
  gst_message_parse_error(message, &error, &detail);
  EXPECT_NE(std::string(detail).find("_start ()"), std::string::npos) << detail;
  EXPECT_EQ(std::string(detail).find("element_guard"), std::string::npos) << detail;
  g_free(detail);
  EXPECT_EQ(error->domain, domain) << error->message;
  EXPECT_EQ(error->code, code) << error->message;
  EXPECT_NE(std::string(error->message).find(thing), std::string::npos) << error->message;
  g_error_free(error);
  gst_message_unref(message);
  message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  EXPECT_EQ(message, nullptr) << "one error, not two";
  if (message != nullptr) gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}

void write(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

TEST(Faults, AMissingModel) {
  expect_start_error("fmpnclassify model=/no/such.safetensors", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/no/such.safetensors");
  expect_start_error("fmpnmask model=/no/such.safetensors", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/no/such.safetensors");
}

TEST(Faults, AForeignEmptyOrTruncatedModel) {
  const TemporaryFolder folder;
  const std::string text = folder.file("text.safetensors"), empty = folder.file("empty.safetensors"), cut = folder.file("cut.safetensors");
  write(text, "this is no model, but a text of some length\n");
  write(empty, "");
  std::ifstream whole(std::getenv("FMPN_MODEL"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(whole)), {});
  ASSERT_GT(bytes.size(), 1000U);
  write(cut, bytes.substr(0, bytes.size() / 2));
  for (const std::string& path : {text, empty, cut})
    expect_start_error("fmpnclassify model=" + path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, path);
}

TEST(Faults, AMissingOrForeignLandmarkModel) {
  expect_start_error("fmpnalign landmark-model=/no/landmarks.dat", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/no/landmarks.dat");
  const TemporaryFolder folder;
  const std::string text = folder.file("landmarks.dat");
  write(text, "nothing of the kind");
  expect_start_error("fmpnalign landmark-model=" + text, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, text);
}

TEST(Faults, ADeviceThatIsNotThere) {
  expect_start_error("fmpnclassify device=abacus", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "abacus");
}

TEST(Faults, AfterAFailedStartTheElementStartsWithARightModel) {
  GstElement* element = gst_element_factory_make("fmpnclassify", nullptr);
  ASSERT_NE(element, nullptr);
  g_object_set(element, "model", "/no/such.safetensors", nullptr);
  EXPECT_EQ(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element, GST_STATE_NULL);
  g_object_set(element, "model", std::getenv("FMPN_MODEL"), nullptr);
  EXPECT_NE(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

// All who load a file share its model: it is there as long as one of them holds it.
TEST(Faults, AnElementThatDidNotStartHoldsNoModel) {
  const TemporaryFolder folder;
  const std::string path = folder.file("maskless.safetensors");
  write_maskless_model(path);
  GstElement* element = gst_element_factory_make("fmpnmask", nullptr);
  ASSERT_NE(element, nullptr);
  g_object_set(element, "model", path.c_str(), nullptr);
  auto engine = Engine::load(path);
  EXPECT_EQ(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE) << "the model makes no masks";
  const std::weak_ptr<const Engine> loaded = std::exchange(engine, nullptr);
  EXPECT_TRUE(loaded.expired());
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

TEST(Faults, ABufferThatIsNoWholeFrame) {
  for (const char* launch : {"fmpnalign", "fmpnoverlay anonymize=box"}) {
    Harness h(launch);
    h.caps(video_info("I420", 640, 480));
    Buffer cut(gst_buffer_new_allocate(nullptr, 1000, nullptr));
    gst_buffer_add_video_region_of_interest_meta(cut.get(), "face", 100, 100, 100, 100);
    EXPECT_FALSE(h.push(std::move(cut))) << launch;
    GstMessage* message = h.message(GST_MESSAGE_ERROR);
    ASSERT_NE(message, nullptr) << launch;
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    for (const char* part : {"I420", "640×480", "460800", "1000"})
      EXPECT_NE(std::string(error->message).find(part), std::string::npos) << error->message;
    g_error_free(error);
    gst_message_unref(message);
  }
}

TEST(Faults, CapsThatAreNoVideoAreNamed) {
  GstCaps* caps = gst_caps_from_string("video/x-raw,format=Y77,width=64,height=48");
  expect_error(ErrorCode::kBadSetting, {"Y77", "64"}, [&] { gst::raw_video_of(caps); });
  gst_caps_unref(caps);
}

TEST(Faults, EveryPropertyIsDocumented) {
  for (const char* name : {"fmpnalign", "fmpnmask", "fmpnclassify", "fmpnoverlay", "fmpnrecord"}) {
    GstElement* element = gst_element_factory_make(name, nullptr);
    ASSERT_NE(element, nullptr) << name;
    guint n = 0;
    GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &n);
    for (guint i = 0; i < n; ++i) {
      const char* blurb = g_param_spec_get_blurb(specs[i]);
      EXPECT_TRUE(blurb != nullptr && std::strlen(blurb) > 5) << name << " " << specs[i]->name;
    }
    g_free(specs);
    gst_object_unref(element);
  }
}

}  // namespace
}  // namespace fmpn::test
