#include <thread>

#include "harness.h"

namespace fmpn::test {
namespace {

class Live : public PhotographTest {};

TEST_F(Live, AsyncFramesCarryTheNewestResult) {
  Harness h("fmpnalign ! fmpnclassify mode=async");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  bool seen = false;
  for (int frame = 0; frame < 100 && !seen; ++frame) {
    const auto out = h.push(make_buffer(photo_, info, 0, frame));
    ASSERT_TRUE(out);
    const auto faces = gst::read_faces(out.get());
    ASSERT_EQ(faces.size(), 1U);
    if (frame == 0) continue;
    if (faces[0].expression) {
      EXPECT_LE(faces[0].expression->frames_ago, frame);
      seen = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(seen);
}

TEST_F(Live, AutoIsAsyncInALiveStreamAndSyncInAFile) {
  for (const bool live : {false, true}) {
    Harness h("fmpnalign ! fmpnclassify");
    gst_harness_set_live(h.get(), live);
    const auto info = video_info("I420", photo_.cols, photo_.rows);
    h.caps(info);
    int own_result = 0;
    for (int frame = 0; frame < 5; ++frame) {
      const auto out = h.push(make_buffer(photo_, info, 0, frame));
      ASSERT_TRUE(out);
      const auto faces = gst::read_faces(out.get());
      ASSERT_EQ(faces.size(), 1U);
      own_result += faces[0].expression && faces[0].expression->frames_ago == 0;
    }
    if (live) EXPECT_LT(own_result, 5);
    else EXPECT_EQ(own_result, 5);
  }
}

TEST_F(Live, AFlushForgetsTheFaces) {
  Harness h("fmpnalign ! fmpnclassify mode=async");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  const auto id_at = [&](int frame) {
    const auto out = h.push(make_buffer(photo_, info, 0, frame));
    const auto faces = out ? gst::read_faces(out.get()) : std::vector<gst::FaceAnnotation>{};
    return faces.size() == 1 ? faces[0].track_id : 0;
  };
  for (int frame = 0; frame < 3; ++frame) EXPECT_EQ(id_at(frame), 1);
  h.flush();
  EXPECT_EQ(id_at(3), 2) << "time goes on as it was: nothing but the flush says that this is elsewhere";
}

}  // namespace
}  // namespace fmpn::test
