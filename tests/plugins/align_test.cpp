#include <set>

#include "common/face_meta.h"
#include "harness.h"

namespace fmpn::test {
namespace {

class AlignElement : public PhotographTest {};

TEST_F(AlignElement, AttachesTheAlignersCropBitForBit) {
  Harness h("fmpnalign crop-size=320");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  const auto out = h.push(make_buffer(photo_, info));
  ASSERT_TRUE(out);
  AlignerOptions options;
  options.crop_size = 320;
  const auto expected = Aligner(options).find(view_of(photo_));
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 1U);
  ASSERT_EQ(expected.size(), 1U);
  ASSERT_TRUE(faces[0].crop);
  EXPECT_EQ(faces[0].crop->pixels, expected[0].crop.pixels);
  EXPECT_EQ(faces[0].warp, expected[0].warp);
}

TEST_F(AlignElement, PassesTheFramesMemoryWithoutACopy) {
  Harness h("fmpnalign");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  auto in = make_buffer(photo_, info);
  const Buffer kept(gst_buffer_ref(in.get()));  // makes the buffer read-only for the element
  GstMemory* memory = gst_buffer_peek_memory(in.get(), 0);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  EXPECT_EQ(gst_buffer_peek_memory(out.get(), 0), memory);
  EXPECT_EQ(gst::read_faces(out.get()).size(), 1U);
  EXPECT_EQ(gst::read_faces(kept.get()).size(), 0U);
}

TEST_F(AlignElement, KeepsIdsWhileTheFaceMoves) {
  Harness h("fmpnalign detect-interval=5");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  std::set<int> ids;
  for (int frame = 0; frame < 12; ++frame) {
    const cv::Mat moved = [&] {
      cv::Mat out;
      cv::warpAffine(photo_, out, cv::Matx23d(1, 0, 4 * frame, 0, 1, 2 * frame), photo_.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
      return out;
    }();
    const auto out = h.push(make_buffer(moved, info, 0, frame));
    ASSERT_TRUE(out);
    for (const auto& face : gst::read_faces(out.get())) ids.insert(face.track_id);
  }
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(ids.count(0), 0U);
}

TEST_F(AlignElement, UsesTheRegionsOfAnUpstreamDetector) {
  Harness h("fmpnalign");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  const auto found = Aligner(AlignerOptions{}).find(view_of(photo_));
  ASSERT_EQ(found.size(), 1U);
  auto in = make_buffer(photo_, info);
  const Box& box = found[0].box;
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", static_cast<guint>(box.x), static_cast<guint>(box.y),
                                               static_cast<guint>(box.width), static_cast<guint>(box.height));
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 1U) << "the region is completed, not doubled";
  EXPECT_NE(faces[0].region_id, 0);
  ASSERT_TRUE(faces[0].landmarks);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR((*faces[0].landmarks)[i].x, found[0].landmarks[i].x, 6);
    EXPECT_NEAR((*faces[0].landmarks)[i].y, found[0].landmarks[i].y, 6);
  }
}

TEST_F(AlignElement, CompletesWhatAnUpstreamDetectorAndTrackerSay) {
  Harness h("fmpnalign");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  auto in = make_buffer(photo_, info);
  auto* given = gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 176, 118, 186, 186);
  gst_video_region_of_interest_meta_add_param(
      given, gst_structure_new("detection", "confidence", G_TYPE_DOUBLE, 0.875, "x_min", G_TYPE_DOUBLE, 0.25, "label_id", G_TYPE_INT, 3,
                               nullptr));
  gst_video_region_of_interest_meta_add_param(given, gst_structure_new("object_id", "id", G_TYPE_INT, 4711, nullptr));
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
  const GstStructure* detection = gst_video_region_of_interest_meta_get_param(region, "detection");
  const auto number = [&](const char* field) {
    double value = -1;
    gst_structure_get_double(detection, field, &value);
    return value;
  };
  EXPECT_EQ(number("confidence"), 0.875);
  EXPECT_EQ(number("x_min"), 0.25) << "a detector's own word stays";
  EXPECT_NEAR(number("y_max"), (118.0 + 186) / photo_.rows, 1e-6);
  EXPECT_GT(number("quality"), 0.5);
  EXPECT_STREQ(gst_structure_get_string(detection, "label"), "face");
  int label = 0, track = 0, upstream = 0;
  EXPECT_TRUE(gst_structure_get_int(detection, "label_id", &label) && label == 3);
  const GstStructure* object = gst_video_region_of_interest_meta_get_param(region, "object_id");
  EXPECT_TRUE(gst_structure_get_int(object, "id", &track) && track == 1) << "as on the frames on which we follow";
  EXPECT_TRUE(gst_structure_get_int(object, "upstream_id", &upstream) && upstream == 4711);
}

TEST_F(AlignElement, TakesTheLargestRegionsAndNoneWithoutAnArea) {
  Harness h("fmpnalign max-faces=2");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  auto in = make_buffer(photo_, info);
  for (const auto& [x, side] : {std::pair{10U, 30U}, std::pair{170U, 190U}, std::pair{60U, 0U}, std::pair{400U, 60U}})
    gst_buffer_add_video_region_of_interest_meta(in.get(), "face", x, 120, side, side);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  std::set<float> widths;
  for (const auto& face : gst::read_faces(out.get()))
    if (face.landmarks) widths.insert(face.box.width);
  EXPECT_EQ(widths, (std::set<float>{60, 190}));
}

TEST_F(AlignElement, RegionsInWhichThereCanBeNoFaceAreLeftAlone) {
  Harness h("fmpnalign");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  auto in = make_buffer(photo_, info);
  constexpr guint kMinus20 = 0xFFFFFFFFU - 19, kHuge = 0xFFFFFFFFU;
  for (const auto& [x, y, side] :
       {std::tuple{170U, 120U, 190U}, std::tuple{100U, 100U, 1U}, std::tuple{0U, 0U, kHuge}, std::tuple{5000U, 5000U, 100U},
        std::tuple{0U - 1'000'000'000U, 0U - 1'000'000'000U, 2'000'000'100U}, std::tuple{500U, 20U, 120U}, std::tuple{kMinus20, 200U, 90U}})
    gst_buffer_add_video_region_of_interest_meta(in.get(), "face", x, y, side, side);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  std::set<float> lefts;
  for (const auto& face : gst::read_faces(out.get()))
    if (face.landmarks) lefts.insert(face.box.x);
  EXPECT_EQ(lefts, (std::set<float>{-20, 170})) << "a face may reach beyond the border";
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(out.get(), &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    auto* region = reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta);
    const GstStructure* detection = gst_video_region_of_interest_meta_get_param(region, "detection");
    if (region->x != kMinus20) continue;
    double left = 0;
    ASSERT_TRUE(detection != nullptr && gst_structure_get_double(detection, "x_min", &left));
    EXPECT_NEAR(left, -20.0 / photo_.cols, 1e-6);
  }
}

TEST_F(AlignElement, FramesThatUpstreamHasTurnedAreNotTurnedAgain) {
  for (const bool use : {false, true}) {
    Harness h(use ? "fmpnalign" : "fmpnalign use-orientation=false");
    const auto info = video_info("RGB", photo_.cols, photo_.rows);
    h.caps(info);
    gst_harness_push_event(h.get(), gst_event_new_tag(gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, "rotate-90", nullptr)));
    const auto out = h.push(make_buffer(photo_, info));
    ASSERT_TRUE(out);
    EXPECT_EQ(gst::read_faces(out.get()).size(), use ? 0U : 1U);
  }
}

TEST_F(AlignElement, PixelsThatAreNotSquareAreToldOnce) {
  Harness h("fmpnalign");
  auto info = video_info("RGB", photo_.cols, photo_.rows);
  for (const int width : {16, 16, 1, 16}) {
    info.par_n = width, info.par_d = width == 1 ? 1 : 11;
    h.caps(info);
    ASSERT_TRUE(h.push(make_buffer(photo_, info)));
  }
  int warnings = 0;
  while (GstMessage* message = gst_bus_pop_filtered(GST_ELEMENT_BUS(h.get()->element), GST_MESSAGE_WARNING)) {
    gchar* detail = nullptr;
    gst_message_parse_warning(message, nullptr, &detail);
    EXPECT_NE(std::string(detail).find("not square (16:11)"), std::string::npos) << detail;
    g_free(detail);
    gst_message_unref(message);
    ++warnings;
  }
  EXPECT_EQ(warnings, 2) << "of a stream that goes back to it";
}

TEST_F(AlignElement, RegionsThatAreNotUsedStayAsTheyAre) {
  Harness h("fmpnalign use-regions=false");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  auto in = make_buffer(photo_, info);
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 10, 400, 50, 50)->id = 1;  // the id that our first face would have
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  const auto faces = gst::read_faces(out.get());
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_FALSE(faces[0].landmarks);
  EXPECT_TRUE(faces[1].landmarks);
  EXPECT_NE(faces[1].region_id, 1);
}

// An upstream tracker counts from 1 too: what it calls 1 must not be taken for our first face.
TEST_F(AlignElement, TracksOfRegionsThatAreNotFollowedGiveWayToo) {
  for (const char* launch : {"fmpnalign use-regions=false", "fmpnalign max-faces=1"}) {
    Harness h(launch);
    const auto info = video_info("RGB", photo_.cols, photo_.rows);
    h.caps(info);
    auto in = make_buffer(photo_, info);
    for (const auto& [x, y, side, track] : {std::tuple{176U, 118U, 186U, 2}, std::tuple{10U, 400U, 50U, 1}})
      gst_video_region_of_interest_meta_add_param(gst_buffer_add_video_region_of_interest_meta(in.get(), "face", x, y, side, side),
                                                  gst_structure_new("object_id", "id", G_TYPE_INT, track, nullptr));
    const auto out = h.push(std::move(in));
    ASSERT_TRUE(out) << launch;
    int ours = 0;
    for (const auto& face : gst::read_faces(out.get())) {
      ours += face.track_id != 0;
      EXPECT_EQ(face.track_id != 0, face.landmarks.has_value()) << launch << ": tracks are of one count";
      if (face.box.width == 50) {
        EXPECT_EQ(face.upstream_id, 1) << launch;
        EXPECT_EQ(face.id, -1) << launch;
      }
    }
    EXPECT_EQ(ours, 1) << launch;
  }
}

TEST_F(AlignElement, FollowsOnFramesOnWhichUpstreamDidNotLook) {
  Harness h("fmpnalign");
  const auto info = video_info("RGB", photo_.cols, photo_.rows);
  h.caps(info);
  std::set<int> ids;
  for (int frame = 0; frame < 7; ++frame) {
    auto in = make_buffer(photo_, info, 0, frame);
    if (frame % 3 == 0) gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 176, 118, 186, 186);
    const auto out = h.push(std::move(in));
    ASSERT_TRUE(out);
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), 1U) << frame;
    ids.insert(faces[0].track_id);
    EXPECT_NE(gst_video_region_of_interest_meta_get_param(gst_buffer_get_video_region_of_interest_meta(out.get()), "detection"), nullptr);
  }
  EXPECT_EQ(ids.size(), 1U);
}

TEST_F(AlignElement, FindsAFaceThatTheOrientationTagCallsTurned) {
  const auto upright = [&] {
    Harness h("fmpnalign");
    const auto info = video_info("RGB", photo_.cols, photo_.rows);
    h.caps(info);
    return gst::read_faces(h.push(make_buffer(photo_, info)).get());
  }();
  ASSERT_EQ(upright.size(), 1U);
  struct Case {
    const char* tag;
    cv::Mat frame;
  };
  Case cases[3]{{"rotate-90", {}}, {"rotate-180", {}}, {"flip-rotate-0", {}}};
  cv::rotate(photo_, cases[0].frame, cv::ROTATE_90_COUNTERCLOCKWISE);
  cv::rotate(photo_, cases[1].frame, cv::ROTATE_180);
  cv::flip(photo_, cases[2].frame, 1);
  for (const Case& one : cases) {
    for (const bool other_size : {false, true}) {  // fmpnclassify makes its own crop
      Harness h(other_size ? "fmpnalign crop-size=100 ! fmpnclassify" : "fmpnalign ! fmpnclassify");
      const auto info = video_info("RGB", one.frame.cols, one.frame.rows);
      h.caps(info);
      gst_harness_push_event(h.get(), gst_event_new_tag(gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, one.tag, nullptr)));
      const auto out = h.push(make_buffer(one.frame, info));
      ASSERT_TRUE(out);
      const auto faces = gst::read_faces(out.get());
      ASSERT_EQ(faces.size(), 1U) << one.tag;
      EXPECT_TRUE(faces[0].expression);
      // Its warp leads from the frame as it is to the crop of the upright picture.
      const Image crop = warp_face(view_of(one.frame), faces[0].warp, faces[0].crop->width);
      double difference = 0;
      for (std::size_t i = 0; i < crop.pixels.size(); ++i) difference += std::abs(crop.pixels[i] - faces[0].crop->pixels[i]);
      EXPECT_LT(difference / static_cast<double>(crop.pixels.size()), 3) << one.tag;
      EXPECT_LE(faces[0].box.x + faces[0].box.width, one.frame.cols);
      EXPECT_NEAR(faces[0].box.width, upright[0].box.width, 3);
      // The nose is in the middle of the box, whichever way up.
      EXPECT_NEAR((*faces[0].landmarks)[2].x, faces[0].box.x + faces[0].box.width / 2, 40) << one.tag;
      EXPECT_NEAR((*faces[0].landmarks)[2].y, faces[0].box.y + faces[0].box.height / 2, 40) << one.tag;
    }
  }
}

TEST_F(AlignElement, ANewStreamStandsUprightAndHasIdsOfItsOwn) {
  Harness h("fmpnalign");
  const auto info = video_info("I420", photo_.cols / 2 * 2, photo_.rows / 2 * 2);
  h.caps(info);
  const auto first = gst::read_faces(h.push(make_buffer(photo_, info)).get());
  ASSERT_EQ(first.size(), 1U);
  const auto start = [&](const char* id) {
    gst_harness_push_event(h.get(), gst_event_new_stream_start(id));
    h.caps(info);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  };
  start("turned");
  gst_harness_push_event(h.get(), gst_event_new_tag(gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, "rotate-180", nullptr)));
  cv::Mat turned;
  cv::rotate(photo_, turned, cv::ROTATE_180);
  EXPECT_EQ(gst::read_faces(h.push(make_buffer(turned, info)).get()).size(), 1U);
  start("upright");
  const auto last = gst::read_faces(h.push(make_buffer(photo_, info)).get());
  ASSERT_EQ(last.size(), 1U);
  EXPECT_NE(last[0].track_id, first[0].track_id);
}

TEST_F(AlignElement, ASegmentFromElsewhereHasNewIds) {
  Harness h("fmpnalign");
  const auto info = video_info("I420", photo_.cols / 2 * 2, photo_.rows / 2 * 2);
  h.caps(info);
  const auto id_of = [&](int frame) {
    const auto faces = gst::read_faces(h.push(make_buffer(photo_, info, 0, frame)).get());
    return faces.size() == 1 ? faces[0].track_id : 0;
  };
  EXPECT_EQ(id_of(0), 1);
  EXPECT_EQ(id_of(1), 1);
  h.go_on_at(GST_SECOND / 15, GST_SECOND / 15);
  EXPECT_EQ(id_of(2), 1) << "it goes on from the last frame";
  h.go_on_at(60 * GST_SECOND, GST_SECOND / 10);
  EXPECT_EQ(id_of(1800), 2);
  h.go_on_at(0, GST_SECOND / 7);
  EXPECT_EQ(id_of(0), 3) << "a loop";
}

TEST_F(AlignElement, AMaskLiesWhereItsOwnCropDoes) {
  for (const int size : {44, 128}) {
    Harness h("fmpnalign crop-size=" + std::to_string(size) + " ! fmpnclassify");
    const auto info = video_info("RGB", photo_.cols, photo_.rows);
    h.caps(info);
    const auto faces = gst::read_faces(h.push(make_buffer(photo_, info)).get());
    ASSERT_EQ(faces.size(), 1U);
    ASSERT_TRUE(faces[0].mask);
    EXPECT_EQ(faces[0].mask_crop_side, 52) << "the tiny model's";
    EXPECT_EQ(faces[0].mask_frames_ago, 0);
    const Affine given = gst::warp_to_side(faces[0].warp, size, faces[0].mask_crop_side), wanted = alignment_warp(*faces[0].landmarks, 52);
    for (std::size_t i = 0; i < given.size(); ++i) EXPECT_NEAR(given[i], wanted[i], 1e-3) << i;
  }
}

TEST_F(AlignElement, FindsTwelveFacesAndHonoursMaxFaces) {
  cv::Mat small, tiled;
  cv::resize(photo_, small, {320, 375}, 0, 0, cv::INTER_AREA);
  cv::repeat(small, 3, 4, tiled);
  for (const auto& [launch, expected] : std::vector<std::pair<std::string, std::size_t>>{{"fmpnalign", 12}, {"fmpnalign max-faces=3", 3}}) {
    Harness h(launch);
    const auto info = video_info("I420", tiled.cols, tiled.rows);
    h.caps(info);
    const auto out = h.push(make_buffer(tiled, info));
    ASSERT_TRUE(out);
    EXPECT_EQ(gst::read_faces(out.get()).size(), expected);
  }
}

TEST_F(AlignElement, AFrameOfOnePixelAndOneWithoutAFacePass) {
  for (const int side : {1, 2, 200}) {
    Harness h("fmpnalign ! fmpnclassify");
    const auto info = video_info("I420", side, side);
    h.caps(info);
    const auto out = h.push(make_buffer(cv::Mat(200, 200, CV_8UC3, cv::Scalar(90, 120, 40)), info));
    ASSERT_TRUE(out) << side;
    EXPECT_TRUE(gst::read_faces(out.get()).empty());
  }
}

TEST_F(AlignElement, AFaceCutByTheBorderStaysInsideTheFrame) {
  const cv::Mat cut = photo_(cv::Rect(160, 60, 200, 260)).clone();
  Harness h("fmpnalign detection-threshold=-1 ! fmpnclassify");
  const auto info = video_info("RGB", cut.cols, cut.rows);
  h.caps(info);
  const auto out = h.push(make_buffer(cut, info));
  ASSERT_TRUE(out);
  for (const auto& face : gst::read_faces(out.get())) {
    EXPECT_GE(face.box.x, 0);
    EXPECT_GE(face.box.y, 0);
    EXPECT_LE(face.box.x + face.box.width, cut.cols);
    EXPECT_LE(face.box.y + face.box.height, cut.rows);
  }
}

}  // namespace
}  // namespace fmpn::test
