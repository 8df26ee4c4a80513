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
  gst_buffer_add_video_region_of_interest_meta(in.get(), "face", static_cast<guint>(box.x), static_cast<guint>(box.y), static_cast<guint>(box.width), static_cast<guint>(box.height));
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
