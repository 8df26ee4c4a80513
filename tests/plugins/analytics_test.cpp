// GStreamer's own analytics metadata, read back through its own functions.

#include "common/gst_version.h"
#include "harness.h"

#if FMPN_HAVE_ANALYTICS

#include <gst/analytics/analytics.h>

namespace fmpn::test {
namespace {

class Analytics : public PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (IsSkipped()) return;
    Harness h("fmpnalign ! fmpnclassify min-confidence=0");
    const auto info = video_info("I420", photo_.cols, photo_.rows);
    h.caps(info);
    out_ = h.push(make_buffer(photo_, info));
    ASSERT_TRUE(out_);
    meta_ = gst_buffer_get_analytics_relation_meta(out_.get());
    ASSERT_NE(meta_, nullptr);
    gpointer state = nullptr;
    ASSERT_TRUE(gst_analytics_relation_meta_iterate(meta_, &state, gst_analytics_od_mtd_get_mtd_type(), &detection_));
    ASSERT_FALSE(gst_analytics_relation_meta_iterate(meta_, &state, gst_analytics_od_mtd_get_mtd_type(), &other_))
        << "one face, one detection";
  }
  bool related(GstAnalyticsRelTypes relation, GstAnalyticsMtdType type, GstAnalyticsMtd* found) {
    gpointer state = nullptr;
    return gst_analytics_relation_meta_get_direct_related(meta_, detection_.id, relation, type, &state, found) != FALSE;
  }
  int count(GstAnalyticsRelTypes relation, GstAnalyticsMtdType type) {
    gpointer state = nullptr;
    GstAnalyticsMtd one;
    int n = 0;
    while (gst_analytics_relation_meta_get_direct_related(meta_, detection_.id, relation, type, &state, &one)) ++n;
    return n;
  }
  /// The track that the detection is related to; 0: none.
  guint64 track() {
    GstAnalyticsMtd tracking;
    guint64 id = 0;
    GstClockTime first = 0, last = 0;
    gboolean lost = TRUE;
    if (!related(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type(), &tracking)) return 0;
    return gst_analytics_tracking_mtd_get_info(&tracking, &id, &first, &last, &lost) ? id : 0;
  }
  Buffer out_;
  GstAnalyticsRelationMeta* meta_ = nullptr;
  GstAnalyticsMtd detection_{}, other_{};
};

TEST_F(Analytics, TheDetectionIsTheRegionAndHasItsTrack) {
  const auto* region = gst_buffer_get_video_region_of_interest_meta(out_.get());
  gint x = 0, y = 0, w = 0, h = 0;
  gfloat confidence = -1;
  ASSERT_TRUE(gst_analytics_od_mtd_get_location(&detection_, &x, &y, &w, &h, &confidence));
  EXPECT_EQ(x, static_cast<gint>(region->x));
  EXPECT_EQ(w, static_cast<gint>(region->w));
  EXPECT_GE(confidence, 0);
  EXPECT_LE(confidence, 1);
  EXPECT_STREQ(g_quark_to_string(gst_analytics_od_mtd_get_obj_type(&detection_)), "face");
  EXPECT_EQ(track(), static_cast<guint64>(gst::read_faces(out_.get()).at(0).track_id));
}

TEST_F(Analytics, TheShownLabelIsContainedAndTheDistributionRelated) {
  const auto faces = gst::read_faces(out_.get());
  const auto& e = *faces.at(0).expression;
  GstAnalyticsMtd top, whole;
  ASSERT_TRUE(related(GST_ANALYTICS_REL_TYPE_CONTAIN, gst_analytics_cls_mtd_get_mtd_type(), &top));
  ASSERT_EQ(gst_analytics_cls_mtd_get_length(&top), 1U);
  EXPECT_EQ(e.label, g_quark_to_string(gst_analytics_cls_mtd_get_quark(&top, 0)));
  EXPECT_FLOAT_EQ(gst_analytics_cls_mtd_get_level(&top, 0), static_cast<gfloat>(e.confidence));
  EXPECT_EQ(gst_analytics_relation_meta_get_relation(meta_, top.id, detection_.id), GST_ANALYTICS_REL_TYPE_IS_PART_OF);
  ASSERT_TRUE(related(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type(), &whole));
  const gsize n = gst_analytics_cls_mtd_get_length(&whole);
  ASSERT_EQ(n, e.distribution.size() + 1);
  for (gsize i = 1; i < n; ++i) EXPECT_LE(gst_analytics_cls_mtd_get_level(&whole, i), gst_analytics_cls_mtd_get_level(&whole, i - 1));
  EXPECT_STREQ(g_quark_to_string(gst_analytics_cls_mtd_get_quark(&whole, n - 1)), "face");
  EXPECT_EQ(gst_analytics_cls_mtd_get_level(&whole, n - 1), 0);
}

TEST_F(Analytics, ASecondClassifiersResultReplacesTheFirsts) {
  auto* region = gst_buffer_get_video_region_of_interest_meta(out_.get());
  gst::attach_expression(out_.get(), region->id, {"fear", 1, 0.9, {{"anger", 0.1}, {"fear", 0.9}}, 0.4, 0, "another"});
  EXPECT_EQ(count(GST_ANALYTICS_REL_TYPE_CONTAIN, gst_analytics_cls_mtd_get_mtd_type()), 1);
  EXPECT_EQ(count(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type()), 1);
  GstAnalyticsMtd top, whole;
  ASSERT_TRUE(related(GST_ANALYTICS_REL_TYPE_CONTAIN, gst_analytics_cls_mtd_get_mtd_type(), &top));
  EXPECT_STREQ(g_quark_to_string(gst_analytics_cls_mtd_get_quark(&top, 0)), "fear");
  ASSERT_TRUE(related(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type(), &whole));
  EXPECT_EQ(gst_analytics_cls_mtd_get_length(&whole), 3U);
}

TEST_F(Analytics, ASecondAlignersTrackReplacesTheFirsts) {
  auto face = gst::read_faces(out_.get()).at(0);
  face.track_id += 100;
  gst::attach_face(out_.get(), face, video_info("I420", photo_.cols, photo_.rows));
  gpointer state = nullptr;
  int detections = 0;
  while (gst_analytics_relation_meta_iterate(meta_, &state, gst_analytics_od_mtd_get_mtd_type(), &other_)) ++detections;
  EXPECT_EQ(detections, 1) << "of one face";
  EXPECT_EQ(count(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type()), 1);
  EXPECT_EQ(track(), static_cast<guint64>(face.track_id));
}

// A person has a track of their own, which may have a face's number.
TEST_F(Analytics, AnotherObjectOfTheSameTrackIsNotTakenForTheFace) {
  Buffer buffer(gst_buffer_new());
  auto* meta = gst_buffer_add_analytics_relation_meta(buffer.get());
  GstAnalyticsMtd person, track;
  gst_analytics_relation_meta_add_od_mtd(meta, g_quark_from_static_string("person"), 20, 30, 60, 60, 0.5F, &person);
  gst_analytics_relation_meta_add_tracking_mtd(meta, 7, 0, &track);
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, person.id, track.id);
  gst::FaceAnnotation face;
  face.region_id = face.track_id = 7;
  face.box = {20, 30, 60, 60};
  gst::attach_face(buffer.get(), face, video_info("I420", 200, 160));
  gst::attach_expression(buffer.get(), 7, {"fear", 1, 0.9, {{"anger", 0.1}, {"fear", 0.9}}, 0.4, 0, "m"});
  gpointer state = nullptr;
  GstAnalyticsMtd none;
  EXPECT_FALSE(gst_analytics_relation_meta_get_direct_related(meta, person.id, GST_ANALYTICS_REL_TYPE_CONTAIN,
                                                              gst_analytics_cls_mtd_get_mtd_type(), &state, &none));
  int faces = 0;
  state = nullptr;
  while (gst_analytics_relation_meta_iterate(meta, &state, gst_analytics_od_mtd_get_mtd_type(), &none))
    faces += gst_analytics_od_mtd_get_obj_type(&none) == g_quark_from_static_string("face");
  EXPECT_EQ(faces, 1);
}

#if FMPN_HAVE_ANALYTICS_SEGMENTATION

TEST_F(Analytics, ALaterMaskReplacesTheFirst) {
  const auto face = gst::read_faces(out_.get()).at(0);
  ASSERT_TRUE(face.mask);
  gst::attach_mask(out_.get(), face.region_id, face.mask, face.mask_crop_side, 0, {});
  EXPECT_EQ(count(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_segmentation_mtd_get_mtd_type()), 1);
}

TEST_F(Analytics, TheMaskIsASegmentationOfTheFace) {
  GstAnalyticsMtd segmentation;
  ASSERT_TRUE(related(GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_segmentation_mtd_get_mtd_type(), &segmentation));
  EXPECT_EQ(gst_analytics_segmentation_mtd_get_region_count(&segmentation), 8U);
  gint x = 0, y = 0;
  guint w = 0, h = 0;
  const Buffer picture(gst_analytics_segmentation_mtd_get_mask(&segmentation, &x, &y, &w, &h));
  ASSERT_TRUE(picture);
  const auto faces = gst::read_faces(out_.get());
  const auto& nose = (*faces.at(0).landmarks)[2];
  EXPECT_GT(nose.x, x);
  EXPECT_LT(nose.x, x + static_cast<gint>(w));
  EXPECT_GT(nose.y, y);
  EXPECT_LT(nose.y, y + static_cast<gint>(h));
  GstMapInfo map;
  gst_buffer_map(picture.get(), &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size; ++i) EXPECT_LT(map.data[i], 8);
  gst_buffer_unmap(picture.get(), &map);
}

#endif

}  // namespace
}  // namespace fmpn::test

#else

namespace fmpn::test {
namespace {

TEST(Analytics, AreOfALaterGStreamer) { GTEST_SKIP() << "GStreamer before 1.24 has no analytics metadata"; }

}  // namespace
}  // namespace fmpn::test

#endif
