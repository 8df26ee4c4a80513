#include <gst/video/video-overlay-composition.h>

#include "common/face_meta.h"
#include "harness.h"

namespace fmpn::test {
namespace {

constexpr int kWidth = 320, kHeight = 240;
constexpr const char* kFeature = "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition)";

gst::FaceAnnotation face_at(int id, const Box& box) {
  gst::FaceAnnotation face;
  face.region_id = face.track_id = id;
  face.box = box;
  return face;
}

gst::ExpressionAnnotation happy() { return {"happiness", 1, 0.8, {{"anger", 0.2}, {"happiness", 0.8}}, 0.7, 0, "m"}; }

/// A plain gray frame with these faces; `patterned` gives the faces something to hide.
Buffer frame_with(const std::vector<gst::FaceAnnotation>& faces, const GstVideoInfo& info, bool patterned = false, int frame = 0) {
  cv::Mat picture(info.height, info.width, CV_8UC3, cv::Scalar(110, 110, 110));
  for (const auto& face : faces) {
    if (!patterned) continue;
    for (int y = static_cast<int>(face.box.y); y < static_cast<int>(face.box.y + face.box.height); ++y)
      for (int x = static_cast<int>(face.box.x); x < static_cast<int>(face.box.x + face.box.width); ++x)
        if (x >= 0 && y >= 0 && x < info.width && y < info.height)
          picture.at<cv::Vec3b>(y, x) = (x / 4 + y / 4) % 2 ? cv::Vec3b(240, 240, 240) : cv::Vec3b(20, 20, 20);
  }
  Buffer buffer = make_buffer(picture, info, 0, frame);
  for (const auto& face : faces) {
    gst::attach_face(buffer.get(), face, info);
    gst::attach_expression(buffer.get(), face.region_id, happy());
  }
  return buffer;
}

void take_compositions(Harness& h) {
  gst_harness_set_sink_caps_str(h.get(), kFeature);
  gst_harness_add_propose_allocation_meta(h.get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr);
}

std::vector<guint8> bytes_of(GstBuffer* buffer) {
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  std::vector<guint8> bytes(map.data, map.data + map.size);
  gst_buffer_unmap(buffer, &map);
  return bytes;
}

/// Luma of one pixel of a GRAY8 or planar YUV buffer.
int luma(GstBuffer* buffer, const GstVideoInfo& info, int x, int y) {
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ);
  const int value = static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0))[y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0) + x];
  gst_video_frame_unmap(&frame);
  return value;
}

TEST(OverlayElement, AttachesWhereDownstreamDraws) {
  Harness h("fmpnoverlay");
  take_compositions(h);
  const auto info = video_info("I420", kWidth, kHeight);
  h.caps(info);
  auto in = frame_with({face_at(1, {40, 80, 60, 60}), face_at(2, {200, 80, 60, 60})}, info);
  const auto before = bytes_of(in.get());
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  EXPECT_EQ(bytes_of(out.get()), before) << "the pixels are left alone";
  auto* meta = gst_buffer_get_video_overlay_composition_meta(out.get());
  ASSERT_NE(meta, nullptr);
  EXPECT_EQ(gst_video_overlay_composition_n_rectangles(meta->overlay), 2U);
  for (guint i = 0; i < 2; ++i) {
    gint x = 0, y = 0;
    guint w = 0, h2 = 0;
    gst_video_overlay_rectangle_get_render_rectangle(gst_video_overlay_composition_get_rectangle(meta->overlay, i), &x, &y, &w, &h2);
    EXPECT_LT(w * h2, static_cast<guint>(kWidth) * kHeight / 2) << "no full-frame canvas";
    EXPECT_GE(x, 0);
    EXPECT_LE(x + static_cast<gint>(w), kWidth);
  }
  GstCaps* caps = gst_pad_get_current_caps(h.get()->sinkpad);
  EXPECT_TRUE(gst_caps_features_contains(gst_caps_get_features(caps, 0), GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION));
  gst_caps_unref(caps);
}

TEST(OverlayElement, AStillFaceKeepsItsRectangle) {
  Harness h("fmpnoverlay");
  take_compositions(h);
  const auto info = video_info("I420", kWidth, kHeight);
  h.caps(info);
  guint numbers[2] = {};
  for (int i = 0; i < 2; ++i) {
    const auto out = h.push(frame_with({face_at(1, {40, 80, 60, 60})}, info, false, i));
    ASSERT_TRUE(out);
    auto* meta = gst_buffer_get_video_overlay_composition_meta(out.get());
    ASSERT_NE(meta, nullptr);
    numbers[i] = gst_video_overlay_rectangle_get_seqnum(gst_video_overlay_composition_get_rectangle(meta->overlay, 0));
  }
  EXPECT_EQ(numbers[0], numbers[1]) << "a sink need not upload it again";
}

TEST(OverlayElement, AddsToWhatUpstreamHasAttached) {
  Harness h("fmpnoverlay");
  take_compositions(h);
  const auto info = video_info("I420", kWidth, kHeight);
  GstCaps* caps = gst_video_info_to_caps(&info);
  gst_caps_set_features_simple(caps, gst_caps_features_from_string("memory:SystemMemory,meta:GstVideoOverlayComposition"));
  gst_harness_set_src_caps(h.get(), caps);
  auto in = frame_with({face_at(1, {40, 80, 60, 60})}, info);
  GstBuffer* pixels = gst_buffer_new_allocate(nullptr, 4 * 8 * 8, nullptr);
  gst_buffer_add_video_meta(pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 8, 8);
  GstVideoOverlayRectangle* rectangle = gst_video_overlay_rectangle_new_raw(pixels, 0, 0, 8, 8, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  GstVideoOverlayComposition* other = gst_video_overlay_composition_new(rectangle);
  gst_buffer_add_video_overlay_composition_meta(in.get(), other);
  gst_video_overlay_composition_unref(other);
  gst_video_overlay_rectangle_unref(rectangle);
  gst_buffer_unref(pixels);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  auto* meta = gst_buffer_get_video_overlay_composition_meta(out.get());
  ASSERT_NE(meta, nullptr);
  EXPECT_EQ(gst_video_overlay_composition_n_rectangles(meta->overlay), 2U);
}

TEST(OverlayElement, BlendsWhereDownstreamTakesAnyCapsButDoesNotDraw) {
  for (const char* sink : {"video/x-raw", "ANY"}) {
    Harness h("fmpnoverlay show-bars=false");
    gst_harness_set_sink_caps_str(h.get(), sink);
    const auto info = video_info("I420", kWidth, kHeight);
    h.caps(info);
    const auto out = h.push(frame_with({face_at(1, {40, 80, 60, 60})}, info));
    ASSERT_TRUE(out) << sink;
    EXPECT_EQ(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr);
    const int plain = luma(out.get(), info, 300, 220);
    EXPECT_GT(luma(out.get(), info, 40, 110), plain + 40) << "the box's yellow side";
    EXPECT_EQ(luma(out.get(), info, 70, 110), plain) << "the face itself stays free";
  }
}

class OverlayFormats : public ::testing::TestWithParam<const char*> {};

TEST_P(OverlayFormats, AreBlended) {
  for (const auto& [width, height] : {std::pair{kWidth, kHeight}, std::pair{241, 203}}) {
    Harness h("fmpnoverlay show-landmarks=true");
    const auto info = video_info(GetParam(), width, height);
    h.caps(info);
    auto in = frame_with({face_at(1, {40, 80, 60, 60}), face_at(2, {200, 150, 90, 90})}, info);
    const auto before = bytes_of(in.get());
    const auto out = h.push(std::move(in));
    ASSERT_TRUE(out);
    EXPECT_NE(bytes_of(out.get()), before);
  }
}

INSTANTIATE_TEST_SUITE_P(Raw, OverlayFormats,
                         ::testing::Values("I420", "NV12", "YUY2", "UYVY", "RGB", "BGR", "BGRx", "RGBA", "GRAY8", "YV12", "NV21", "Y444",
                                           "ARGB", "P010_10LE", "I420_10LE", "RGB16", "Y41B"),
                         [](const auto& info) { return std::string(info.param); });

TEST(OverlayElement, WithoutFacesTheBufferIsNotTouched) {
  Harness h("fmpnoverlay anonymize=box");
  const auto info = video_info("I420", kWidth, kHeight);
  h.caps(info);
  auto in = frame_with({}, info);
  GstBuffer* same = in.get();
  const Buffer kept(gst_buffer_ref(same));  // shared: a writer would have to copy it
  const auto out = h.push(std::move(in));
  EXPECT_EQ(out.get(), same);
}

TEST(OverlayElement, ASharedBufferIsCopiedBeforeItIsDrawnOn) {
  Harness h("fmpnoverlay");
  const auto info = video_info("I420", kWidth, kHeight);
  h.caps(info);
  auto in = frame_with({face_at(1, {40, 80, 60, 60})}, info);
  const Buffer kept(gst_buffer_ref(in.get()));
  const auto before = bytes_of(kept.get());
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  EXPECT_EQ(bytes_of(kept.get()), before);
  EXPECT_NE(bytes_of(out.get()), before);
}

TEST(OverlayElement, HidesEveryFaceOnEveryFrame) {
  for (const char* how : {"blur", "pixelate", "box"}) {
    for (const bool attach : {false, true}) {
      Harness h(std::string("fmpnoverlay show-box=false show-label=false show-bars=false anonymize=") + how);
      if (attach) take_compositions(h);
      const auto info = video_info("GRAY8", kWidth, kHeight);
      h.caps(info);
      for (int frame = 0; frame < 3; ++frame) {
        const std::vector<gst::FaceAnnotation> faces{face_at(1, {20.0F + 3 * frame, 30, 64, 64}), face_at(2, {150, 120, 48, 48}),
                                                     face_at(3, {290, 200, 60, 60})};
        const auto out = h.push(frame_with(faces, info, true, frame));
        ASSERT_TRUE(out);
        for (const auto& face : faces) {
          const cv::Rect box = cv::Rect(static_cast<int>(face.box.x), static_cast<int>(face.box.y), static_cast<int>(face.box.width),
                                        static_cast<int>(face.box.height)) &
                               cv::Rect(0, 0, kWidth, kHeight);
          int high = 0;
          for (int y = box.y; y < box.y + box.height; y += 3) {
            for (int x = box.x; x + 4 < box.x + box.width; x += 4) {
              high = std::max(high, std::abs(luma(out.get(), info, x, y) - luma(out.get(), info, x + 4, y)));
            }
          }
          EXPECT_LT(high, 90) << how << ": of the chequers' 220 levels little is left, frame " << frame << ", face " << face.region_id;
        }
      }
    }
  }
}

TEST(OverlayElement, AFaceThatIsMissedStaysHiddenForHalfASecond) {
  Harness h("fmpnoverlay anonymize=box");
  const auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  ASSERT_TRUE(h.push(frame_with({face_at(1, {100, 100, 50, 50})}, info)));
  const auto missed = h.push(frame_with({}, info, false, 14));
  ASSERT_TRUE(missed);
  EXPECT_LT(luma(missed.get(), info, 125, 125), 20);
  EXPECT_GT(luma(missed.get(), info, 20, 20), 90);
  const auto gone = h.push(frame_with({}, info, false, 30));
  ASSERT_TRUE(gone);
  EXPECT_GT(luma(gone.get(), info, 125, 125), 90);
}

TEST(OverlayElement, AFlushEndsTheHiding) {
  Harness h("fmpnoverlay anonymize=box");
  const auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  ASSERT_TRUE(h.push(frame_with({face_at(1, {100, 100, 50, 50})}, info)));
  h.flush();
  const auto elsewhere = h.push(frame_with({}, info, false, 1));
  ASSERT_TRUE(elsewhere);
  EXPECT_GT(luma(elsewhere.get(), info, 125, 125), 90);
}

TEST(OverlayElement, ItStaysHiddenAlsoWhereOnlyTheFrameRateChanges) {
  Harness h("fmpnoverlay anonymize=box");
  auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  ASSERT_TRUE(h.push(frame_with({face_at(1, {100, 100, 50, 50})}, info)));
  GST_VIDEO_INFO_FPS_N(&info) = 25;
  h.caps(info);
  const auto missed = h.push(frame_with({}, info, false, 5));
  ASSERT_TRUE(missed);
  EXPECT_LT(luma(missed.get(), info, 125, 125), 20);
}

/// A face of 50 px with a crop of 52, as fmpnalign leaves it.
gst::FaceAnnotation aligned_face() {
  auto face = face_at(1, {100, 100, 50, 50});
  face.landmarks = Landmarks{Point{110, 115}, Point{140, 115}, Point{125, 125}, Point{115, 135}, Point{135, 135}};
  face.warp = alignment_warp(*face.landmarks, 52);
  face.crop = std::make_shared<const Image>(Image{std::vector<std::uint8_t>(52 * 52 * 3, 9), 52, 52, PixelFormat::kRgb8});
  return face;
}

TEST(OverlayElement, BehindBordersThatMetadataIsNotToldOfAFaceIsHiddenAllTheSame) {
  const auto info = video_info("GRAY8", kWidth, kHeight), wide = video_info("GRAY8", 2 * kWidth, kHeight);
  Harness h("videoscale ! capsfilter caps=video/x-raw,width=" + std::to_string(2 * kWidth) + ",height=" + std::to_string(kHeight) +
            ",pixel-aspect-ratio=1/1 ! fmpnoverlay anonymize=box show-label=false show-bars=false");
  h.caps(info);
  auto face = aligned_face();
  face.box.x = 20;  // so far left that the two places lie apart
  const auto out = h.push(frame_with({face}, info));
  ASSERT_TRUE(out);
  EXPECT_GT(luma(out.get(), wide, kWidth / 2 + 20, 20), 90) << "the picture is in the middle, as it was";
  EXPECT_LT(luma(out.get(), wide, kWidth / 2 + 45, 125), 20) << "and so is the face";
  EXPECT_LT(luma(out.get(), wide, 90, 125), 20) << "where it would be in a stretched picture";
  const auto missed = h.push(frame_with({}, info, false, 14));
  ASSERT_TRUE(missed);
  EXPECT_LT(luma(missed.get(), wide, kWidth / 2 + 45, 125), 20);
}

TEST(OverlayElement, ASecondAlignerKeepsTheOtherPlacesOfAFace) {
  const auto info = video_info("GRAY8", kWidth, kHeight), wide = video_info("GRAY8", 2 * kWidth, kHeight);
  auto face = aligned_face();
  face.box.x = 20;
  Harness h("videoscale ! capsfilter caps=video/x-raw,width=" + std::to_string(2 * kWidth) + ",height=" + std::to_string(kHeight) +
            ",pixel-aspect-ratio=1/1 ! fmpnalign ! fmpnoverlay anonymize=box show-label=false show-bars=false");
  h.caps(info);
  const auto out = h.push(frame_with({face}, info));
  ASSERT_TRUE(out);
  EXPECT_LT(luma(out.get(), wide, kWidth / 2 + 45, 125), 20) << "where the face is";
  EXPECT_LT(luma(out.get(), wide, 90, 125), 20) << "where it would be in a stretched picture";
}

TEST(OverlayElement, AMaskIsDrawnAlsoWhereAnotherOverlayHasHiddenTheFace) {
  const auto info = video_info("GRAY8", kWidth, kHeight);
  const std::string hide = "fmpnoverlay anonymize=box show-box=false show-label=false show-bars=false";
  std::vector<std::vector<std::uint8_t>> drawn;
  for (const std::string& launch : {hide, hide + " ! fmpnoverlay show-mask=true show-box=false show-label=false show-bars=false"}) {
    Harness h(launch);
    h.caps(info);
    auto face = aligned_face();
    face.mask = std::make_shared<const MotionMask>(MotionMask{std::vector<float>(48 * 48, 0.9F), 48});
    face.mask_crop_side = 52;
    const auto out = h.push(frame_with({face}, info));
    ASSERT_TRUE(out);
    drawn.push_back(bytes_of(out.get()));
  }
  EXPECT_NE(drawn[0], drawn[1]);
}

TEST(OverlayElement, HidesAFaceOfAnotherElementToo) {
  Harness h("fmpnoverlay anonymize=box");
  const auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  auto in = frame_with({}, info);
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", 100, 100, 50, 50);
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  EXPECT_LT(luma(out.get(), info, 125, 125), 20);
}

TEST(OverlayElement, HidesFacesToWhichTwoElementsHaveGivenOneTrack) {
  Harness h("fmpnoverlay anonymize=box");
  const auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  auto in = frame_with({}, info);
  for (const auto& [x, track] : {std::pair{20U, 1}, std::pair{130U, 2}, std::pair{240U, 1}})
    gst_video_region_of_interest_meta_add_param(gst_buffer_add_video_region_of_interest_meta(in.get(), "face", x, 100, 50, 50),
                                                gst_structure_new("object_id", "id", G_TYPE_INT, track, nullptr));
  const auto out = h.push(std::move(in));
  ASSERT_TRUE(out);
  for (const int x : {45, 155, 265}) EXPECT_LT(luma(out.get(), info, x, 125), 20) << x;
}

// An encoder hands metadata on, and with it would go the face that the picture hides.
TEST(OverlayElement, TheFacesOwnPictureIsHiddenToo) {
  for (const auto& [launch, kept] : {std::pair{"fmpnoverlay", true}, std::pair{"fmpnoverlay anonymize=blur", false}}) {
    Harness h(launch);
    const auto info = video_info("GRAY8", kWidth, kHeight);
    h.caps(info);
    auto face = aligned_face();
    auto in = frame_with({face}, info);
    const Buffer shared(gst_buffer_ref(in.get()));
    const auto out = h.push(std::move(in));
    ASSERT_TRUE(out);
    EXPECT_EQ(gst::read_faces(out.get()).at(0).crop != nullptr, kept) << launch;
    EXPECT_NE(gst::read_faces(shared.get()).at(0).crop, nullptr) << "of another branch's buffer";
  }
}

TEST(OverlayElement, FormatsInWhichNothingCanBeHiddenAreRefusedInNegotiation) {
  const auto info = video_info("RGB8P", kWidth, kHeight);
  for (const auto& [launch, accepted] : {std::pair{"fmpnoverlay", true}, std::pair{"fmpnoverlay anonymize=blur", false}}) {
    Harness h(launch);
    GstCaps* caps = gst_video_info_to_caps(&info);
    GstPad* pad = gst_pad_get_peer(h.get()->srcpad);
    EXPECT_EQ(gst_pad_query_accept_caps(pad, caps) != FALSE, accepted) << launch;
    gst_object_unref(pad);
    gst_caps_unref(caps);
  }
}

TEST(OverlayElement, SettingsCountFromTheNextFrame) {
  Harness h("fmpnoverlay name=overlay show-bars=false show-label=false");
  GstElement* overlay = gst_bin_get_by_name(GST_BIN(h.get()->element), "overlay");
  const auto info = video_info("GRAY8", kWidth, kHeight);
  h.caps(info);
  const auto with = h.push(frame_with({face_at(1, {40, 80, 60, 60})}, info));
  g_object_set(overlay, "show-box", FALSE, nullptr);
  const auto without = h.push(frame_with({face_at(1, {40, 80, 60, 60})}, info, false, 1));
  g_object_set(overlay, "anonymize", 3, nullptr);
  gst_object_unref(overlay);
  const auto hidden = h.push(frame_with({face_at(1, {40, 80, 60, 60})}, info, false, 2));
  ASSERT_TRUE(with && without && hidden);
  EXPECT_NE(luma(with.get(), info, 40, 110), luma(without.get(), info, 40, 110));
  EXPECT_LT(luma(hidden.get(), info, 70, 110), 20);
}

TEST(OverlayElement, FollowsCapsAndWhatDownstreamTakes) {
  Harness h("fmpnoverlay");
  take_compositions(h);
  int frame = 0;
  for (const auto& [format, width] : {std::pair{"I420", 320}, std::pair{"BGRx", 400}, std::pair{"NV12", 161}}) {
    const auto info = video_info(format, width, width * 3 / 4);
    h.caps(info);
    const auto out = h.push(frame_with({face_at(1, {20, 40, 50, 50})}, info, false, frame++));
    ASSERT_TRUE(out) << format;
    EXPECT_NE(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr) << format;
  }
  // Another sink: without the feature.
  gst_harness_set_sink_caps_str(h.get(), "video/x-raw");
  const auto info = video_info("I420", 320, 240);
  h.caps(info);
  const auto out = h.push(frame_with({face_at(1, {20, 40, 50, 50})}, info, false, frame));
  ASSERT_TRUE(out);
  EXPECT_EQ(gst_buffer_get_video_overlay_composition_meta(out.get()), nullptr);
  EXPECT_NE(luma(out.get(), info, 20, 70), luma(out.get(), info, 300, 220));
}

TEST(Negotiation, MemoryThatCannotBeMappedIsRefused) {
  for (const char* element : {"fmpnalign", "fmpnmask", "fmpnclassify", "fmpnoverlay"}) {
    for (const char* caps_text :
         {"video/x-raw(memory:DMABuf),format=NV12,width=64,height=64,framerate=30/1",
          "video/x-raw(memory:GLMemory),format=RGBA,width=64,height=64,framerate=30/1",
          "video/x-raw(format:Interlaced),format=NV12,width=64,height=64,framerate=30/1,interlace-mode=alternate"}) {
      Harness h(element);
      GstCaps* caps = gst_caps_from_string(caps_text);
      GstPad* pad = gst_pad_get_peer(h.get()->srcpad);
      EXPECT_FALSE(gst_pad_query_accept_caps(pad, caps)) << element << " " << caps_text;
      gst_object_unref(pad);
      gst_caps_unref(caps);
    }
  }
}

}  // namespace
}  // namespace fmpn::test
