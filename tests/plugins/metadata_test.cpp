#include <functional>
#include <limits>
#include <set>

#include "common/face_meta.h"
#include "common/face_region.h"
#include "common/model_event.h"
#include "harness.h"

namespace fmpn::test {
namespace {

gst::FaceAnnotation some_face() {
  gst::FaceAnnotation face;
  face.region_id = face.track_id = 7;
  face.box = {20, 30, 60, 60};
  face.score = 1.5;
  face.quality = 0.75F;
  face.landmarks = Landmarks{Point{35, 50}, Point{65, 50}, Point{50, 65}, Point{40, 78}, Point{60, 78}};
  face.warp = alignment_warp(*face.landmarks, 52);
  face.crop = std::make_shared<const Image>(Image{std::vector<std::uint8_t>(52 * 52 * 3, 9), 52, 52, PixelFormat::kRgb8});
  face.mask = std::make_shared<const MotionMask>(MotionMask{std::vector<float>(48 * 48, 0.5F), 48});
  return face;
}

TEST(Metadata, ReadsBackWhatWasAttached) {
  Buffer buffer(gst_buffer_new());
  const auto info = video_info("I420", 200, 160);
  gst::attach_face(buffer.get(), some_face(), info);
  gst::ExpressionAnnotation e{"sadness", 1, 0.75, {{"anger", 0.25}, {"sadness", 0.75}}, 0.81, 3, "model"};
  gst::attach_expression(buffer.get(), 7, e);
  const Buffer copy(gst_buffer_copy(buffer.get()));
  for (GstBuffer* one : {buffer.get(), copy.get()}) {
    const auto faces = gst::read_faces(one);
    ASSERT_EQ(faces.size(), 1U);
    const auto& face = faces[0];
    EXPECT_EQ(face.track_id, 7);
    EXPECT_EQ(face.box.width, 60);
    EXPECT_DOUBLE_EQ(face.score, 1.5);
    EXPECT_EQ(face.quality, 0.75F);
    EXPECT_EQ(face.warp, some_face().warp);
    ASSERT_TRUE(face.expression);
    EXPECT_EQ(face.expression->label, "sadness");
    EXPECT_EQ(face.expression->distribution, e.distribution);
    EXPECT_EQ(face.expression->frames_ago, 3);
    EXPECT_EQ(face.crop->pixels, some_face().crop->pixels);
    EXPECT_EQ(face.mask->values.size(), 48U * 48U);
  }
}

TEST(Metadata, AnExpressionIsReplacedNotDoubled) {
  Buffer buffer(gst_buffer_new());
  gst::attach_face(buffer.get(), some_face(), video_info("I420", 200, 160));
  gst::attach_expression(buffer.get(), 7, {"anger", 0, 0.6, {{"anger", 0.6}, {"fear", 0.4}}, 0.9, 0, "m"});
  gst::attach_expression(buffer.get(), 7, {"fear", 1, 0.9, {{"anger", 0.1}, {"fear", 0.9}}, 0.4, 0, "m"});
  auto* region = gst_buffer_get_video_region_of_interest_meta(buffer.get());
  int expressions = 0;
  for (GList* item = region->params; item != nullptr; item = item->next)
    expressions += gst_structure_has_name(static_cast<GstStructure*>(item->data), "expression");
  EXPECT_EQ(expressions, 1);
  EXPECT_EQ(gst::read_faces(buffer.get()).at(0).expression->label, "fear");
}

TEST(Metadata, AModelEventOfAnotherShapeIsNone) {
  const auto read = [](const char* fields) {
    GstEvent* event = gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, gst_structure_from_string(fields, nullptr));
    const auto classes = gst::classes_of(event);
    gst_event_unref(event);
    return classes;
  };
  EXPECT_EQ(read("fmpn-model, classes=(string)< anger, joy >"), (std::vector<std::string>{"anger", "joy"}));
  EXPECT_FALSE(read("fmpn-model, classes=(int)< 1, 2 >"));
  EXPECT_FALSE(read("fmpn-model, classes=7"));
  EXPECT_FALSE(read("fmpn-model"));
  EXPECT_FALSE(read("another, classes=(string)< anger >"));
}

TEST(Metadata, LandmarksAreNormalisedToTheRegion) {
  Buffer buffer(gst_buffer_new());
  gst::attach_face(buffer.get(), some_face(), video_info("I420", 200, 160));
  const GstStructure* s =
      gst_video_region_of_interest_meta_get_param(gst_buffer_get_video_region_of_interest_meta(buffer.get()), "landmarks");
  const GValue* points = gst_structure_get_value(s, "points");
  ASSERT_EQ(gst_value_array_get_size(points), 10U);
  EXPECT_FLOAT_EQ(g_value_get_float(gst_value_array_get_value(points, 0)), 15.0F / 60);  // (35 - 20) / 60
  EXPECT_FLOAT_EQ(g_value_get_float(gst_value_array_get_value(points, 1)), 20.0F / 60);  // (50 - 30) / 60
}

/// A frame with some_face() and what was read in it, after `before` has had it, scaled from 200×160 to twice the size.
Buffer face_scaled_twofold(const std::function<void(GstBuffer*)>& before = [](GstBuffer*) {}) {
  Harness h("videoscale ! capsfilter caps=video/x-raw,width=400,height=320");
  const auto info = video_info("I420", 200, 160);
  h.caps(info);
  auto in = make_buffer(cv::Mat(160, 200, CV_8UC3, cv::Scalar(1, 2, 3)), info);
  before(in.get());
  gst::attach_face(in.get(), some_face(), info);
  gst::attach_expression(in.get(), 7, {"fear", 1, 0.9, {{"anger", 0.1}, {"fear", 0.9}}, 0.4, 0, "m"});
  return h.push(std::move(in));
}

TEST(Metadata, FollowsAScaling) {
  const auto out = face_scaled_twofold();
  ASSERT_TRUE(out);
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].track_id, 7);
  EXPECT_DOUBLE_EQ(faces[0].score, 1.5);
  ASSERT_TRUE(faces[0].expression) << "GStreamer 1.22 alone would lose it";
  EXPECT_EQ(faces[0].expression->label, "fear");
  EXPECT_EQ(faces[0].box.x, 40);
  EXPECT_EQ(faces[0].box.width, 120);
  ASSERT_TRUE(faces[0].landmarks);
  EXPECT_FLOAT_EQ((*faces[0].landmarks)[0].x, 70.5F);  // (35 + ½)·2 - ½
  const auto face = some_face();
  for (std::size_t i = 0; i < 5; ++i) {
    const Point before = apply(face.warp, (*face.landmarks)[i]), after = apply(faces[0].warp, (*faces[0].landmarks)[i]);
    EXPECT_NEAR(before.x, after.x, 1e-3) << "the warp leads to the same crop";
    EXPECT_NEAR(before.y, after.y, 1e-3);
  }
}

TEST(Metadata, WithBordersTheFaceMayBeElsewhere) {
  int left = 20;
  const auto places = [&](const std::string& scaling) {
    Harness h(scaling);
    const auto info = video_info("I420", 200, 160);
    h.caps(info);
    auto in = make_buffer(cv::Mat(160, 200, CV_8UC3, cv::Scalar(1, 2, 3)), info);
    gst_buffer_add_video_region_of_interest_meta(in.get(), "face", static_cast<guint>(left), 30, 60, 60)->id = 7;
    gst::attach_face(in.get(), some_face(), info);
    const auto out = h.push(std::move(in));
    return out ? gst::read_faces(out.get()).at(0).other_places : std::vector<Box>(9);
  };
  EXPECT_TRUE(places("videoscale ! capsfilter caps=video/x-raw,width=400,height=320,pixel-aspect-ratio=1/1").empty());
  // 160 lines of 200 in the middle of 400: the picture keeps its size.
  const auto wide = places("videoscale ! capsfilter caps=video/x-raw,width=400,height=160,pixel-aspect-ratio=1/1");
  ASSERT_EQ(wide.size(), 1U);
  EXPECT_FLOAT_EQ(wide[0].x, 100 + 20);
  EXPECT_FLOAT_EQ(wide[0].y, 30);
  EXPECT_FLOAT_EQ(wide[0].width, 60);
  const auto high = places("videoscale ! capsfilter caps=video/x-raw,width=100,height=160,pixel-aspect-ratio=1/1");
  ASSERT_EQ(high.size(), 1U);
  EXPECT_FLOAT_EQ(high[0].x, 10);
  EXPECT_FLOAT_EQ(high[0].y, 40 + 15);
  EXPECT_FLOAT_EQ(high[0].height, 30);
  EXPECT_EQ(places("videoscale ! capsfilter caps=video/x-raw,width=400,height=160,pixel-aspect-ratio=1/1 ! "
                   "videoscale name=back ! capsfilter caps=video/x-raw,width=200,height=160,pixel-aspect-ratio=1/1").size(), 3U);
  left = -12;
  const auto beyond = places("videoscale ! capsfilter caps=video/x-raw,width=400,height=160,pixel-aspect-ratio=1/1");
  ASSERT_EQ(beyond.size(), 1U);
  EXPECT_FLOAT_EQ(beyond[0].x, 100 - 12) << "a face may reach beyond the left border";
}

TEST(Metadata, AnotherDetectorsRegionMayHaveAFacesId) {
  const auto out = face_scaled_twofold([](GstBuffer* in) {
    gst_buffer_add_video_region_of_interest_meta(in, "person", 5, 5, 100, 150)->id = 7;
    EXPECT_EQ(gst::region_ids(in), (std::set<int>{7}));
  });
  ASSERT_TRUE(out);
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 1U);
  ASSERT_TRUE(faces[0].expression);
  EXPECT_EQ(faces[0].expression->label, "fear");
  EXPECT_EQ(faces[0].track_id, 7);
}

TEST(Metadata, NoTwoFacesOfABufferHaveOneId) {
  Buffer buffer(gst_buffer_new());
  const auto info = video_info("I420", 200, 160);
  auto tracked = some_face();  // region 7
  tracked.track_id = 3;
  const auto region = [&](int id, int track) {
    auto* added = gst_buffer_add_video_region_of_interest_meta(buffer.get(), "face", 5, 5, 50, 50);
    added->id = id;
    if (track != 0)
      gst_video_region_of_interest_meta_add_param(added, gst_structure_new("object_id", "id", G_TYPE_INT, track, nullptr));
  };
  region(3, 0);  // as our track
  region(0, 0);  // facedetect leaves all of them 0
  region(0, 0);
  region(-3, 0);
  gst::attach_face(buffer.get(), tracked, info);
  region(8, 3);   // another tracker's number for another face
  region(9, -3);
  region(std::numeric_limits<int>::min(), 0);
  region(std::numeric_limits<int>::min(), 0);
  std::set<int> ids;
  const auto faces = gst::read_faces(buffer.get());
  ASSERT_EQ(faces.size(), 9U);
  for (const auto& face : faces) {
    EXPECT_TRUE(ids.insert(face.id).second) << face.id;
    EXPECT_EQ(face.id > 0, face.region_id == 7) << "what is not tracked has no track's number";
  }
  EXPECT_EQ(faces[4].id, 3);
  EXPECT_EQ(ids.count(0), 0U);
}

TEST(Metadata, OursGoesWhereRegionsGo) {
  // Whatever an element does with regions of interest: ours is there with the same place, or is not there at all; a crop that
  // belongs to another place would be worse than none.
  for (const char* element :
       {"videocrop left=10 top=6", "videoflip video-direction=90r", "videoflip video-direction=horiz", "videobox left=-8 top=-4",
        "videorate drop-only=true", "identity",
        "videoconvert ! capsfilter caps=video/x-raw,format=NV12 ! videoscale ! capsfilter caps=video/x-raw,width=100,height=80"}) {
    Harness h(element);
    const auto info = video_info("I420", 200, 160);
    h.caps(info);
    auto in = make_buffer(cv::Mat(160, 200, CV_8UC3, cv::Scalar(1, 2, 3)), info);
    gst::attach_face(in.get(), some_face(), info);
    gst_harness_push(h.get(), in.release());
    gst_harness_push_event(h.get(), gst_event_new_eos());
    const Buffer out(gst_harness_pull(h.get()));
    ASSERT_TRUE(out) << element;
    const auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
    const auto* ours = gst::find_face_meta(out.get(), 7);
    if (region == nullptr || ours == nullptr) continue;
    const double scale = region->w / 60.0;
    EXPECT_NEAR((*ours->data->landmarks)[0].x, region->x + 15.5 * scale - 0.5, 1) << element;
    EXPECT_NEAR((*ours->data->landmarks)[0].y, region->y + 20.5 * scale - 0.5, 1) << element;
  }
}

TEST(Metadata, SurvivesConvertTeeAndQueue) {
  Harness h("videoconvert ! video/x-raw,format=BGRx ! tee ! queue");
  const auto info = video_info("I420", 200, 160);
  h.caps(info);
  auto in = make_buffer(cv::Mat(160, 200, CV_8UC3, cv::Scalar(1, 2, 3)), info);
  gst::attach_face(in.get(), some_face(), info);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_TRUE(faces[0].crop);
  EXPECT_TRUE(faces[0].mask);
}

// With it, a frame would lie anywhere in the buffer's picture.
TEST(Allocation, CropMetaIsNotAskedFor) {
  for (const char* element : {"fmpnalign", "fmpnmask", "fmpnclassify", "fmpnoverlay", "fmpnrecord location=/dev/null"}) {
    Harness h(element);
    gst_harness_add_propose_allocation_meta(h.get(), GST_VIDEO_CROP_META_API_TYPE, nullptr);
    gst_harness_add_propose_allocation_meta(h.get(), GST_VIDEO_META_API_TYPE, nullptr);
    const auto info = video_info("I420", 64, 48);
    h.caps(info);
    GstCaps* caps = gst_video_info_to_caps(&info);
    GstQuery* query = gst_query_new_allocation(caps, FALSE);
    EXPECT_TRUE(gst_pad_peer_query(h.get()->srcpad, query)) << element;
    EXPECT_FALSE(gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, nullptr)) << element;
    EXPECT_TRUE(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) << element;
    gst_query_unref(query);
    gst_caps_unref(caps);
  }
}

}  // namespace
}  // namespace fmpn::test
