#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "photograph.h"
#include "upright.h"

namespace fmpn::gst {
namespace {

const GstVideoOrientationMethod kMethods[] = {GST_VIDEO_ORIENTATION_IDENTITY, GST_VIDEO_ORIENTATION_90R,   GST_VIDEO_ORIENTATION_180,
                                              GST_VIDEO_ORIENTATION_90L,      GST_VIDEO_ORIENTATION_HORIZ, GST_VIDEO_ORIENTATION_VERT,
                                              GST_VIDEO_ORIENTATION_UL_LR,    GST_VIDEO_ORIENTATION_UR_LL};

/// A gray frame of 7×5 pixels that are all different.
cv::Mat numbered() {
  cv::Mat frame(5, 7, CV_8UC1);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x) frame.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(10 * y + x);
  return frame;
}

TEST(Upright, TurnsClockwiseForRotate90) {
  const cv::Mat frame = numbered();
  Upright upright;
  upright.set(GST_VIDEO_ORIENTATION_90R, 7, 5);
  const ImageView view = upright.turned(test::view_of(frame));
  ASSERT_EQ(view.width, 5);
  ASSERT_EQ(view.height, 7);
  EXPECT_EQ(view.data[4], 0) << "the frame's upper left corner comes to the right";
  EXPECT_EQ(view.data[0], 40);
}

TEST(Upright, EveryPointComesBackToItsPixel) {
  const cv::Mat frame = numbered();
  for (const GstVideoOrientationMethod method : kMethods) {
    Upright upright;
    upright.set(method, 7, 5);
    const ImageView view = upright.turned(test::view_of(frame));
    for (int v = 0; v < view.height; ++v) {
      for (int u = 0; u < view.width; ++u) {
        AlignedFace face;
        face.box = {static_cast<float>(u), static_cast<float>(v), 1, 1};
        face.landmarks.fill({static_cast<float>(u), static_cast<float>(v)});
        face.warp = {1, 0, 0, 0, 1, 0};  // turned picture → itself
        upright.turn_back(face);
        const Point at = face.landmarks[0];
        const std::uint8_t value = view.data[v * view.stride + u];
        EXPECT_EQ(frame.at<std::uint8_t>(static_cast<int>(at.y), static_cast<int>(at.x)), value) << method;
        EXPECT_EQ(frame.at<std::uint8_t>(static_cast<int>(face.box.y), static_cast<int>(face.box.x)), value) << method;
        const Point again = fmpn::apply(face.warp, at);
        EXPECT_FLOAT_EQ(again.x, static_cast<float>(u)) << method;
        EXPECT_FLOAT_EQ(again.y, static_cast<float>(v)) << method;
        const Box box = upright.turned(face.box);
        EXPECT_FLOAT_EQ(box.x, static_cast<float>(u)) << method;
        EXPECT_FLOAT_EQ(box.y, static_cast<float>(v)) << method;
      }
    }
  }
}

TEST(Upright, BoxesKeepTheirSides) {
  Upright upright;
  upright.set(GST_VIDEO_ORIENTATION_90L, 640, 480);
  const Box box = upright.turned(Box{100, 50, 80, 30});
  EXPECT_FLOAT_EQ(box.width, 30);
  EXPECT_FLOAT_EQ(box.height, 80);
}

}  // namespace
}  // namespace fmpn::gst
