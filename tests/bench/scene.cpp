#include "scene.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <opencv2/imgproc.hpp>

#include <fmpn/error.h>

#include "photograph.h"

namespace fmpn::bench {
namespace {

constexpr double kSpeed = 6;  // pixels a frame
constexpr double kTurn = 6.283185307179586;
constexpr int kShortestRound = 9;  // frames: a head that goes round faster shakes

/// Blotches and grain: something for a cascade to look at, but no face.
cv::Mat wall(int width, int height) {
  cv::RNG random(11);
  cv::Mat blotches(std::max(2, height / 60), std::max(2, width / 60), CV_8UC3), grain(height, width, CV_8UC3), result;
  random.fill(blotches, cv::RNG::UNIFORM, 70, 130);
  random.fill(grain, cv::RNG::UNIFORM, 0, 12);
  cv::resize(blotches, result, {width, height}, 0, 0, cv::INTER_CUBIC);
  return result + grain;
}

/// Pastes the head with its corner at a place between pixels.
void paste(cv::Mat& frame, const cv::Mat& head, double x, double y) {
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const cv::Matx23d shift(1, 0, x - left, 0, 1, y - top);
  cv::Mat moved;
  cv::warpAffine(head, moved, shift, head.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  moved.copyTo(frame(cv::Rect(left, top, head.cols, head.rows)));
}

Buffer to_i420(const cv::Mat& rgb, const GstVideoInfo& info, int frame) {
  cv::Mat yuv;
  cv::cvtColor(rgb, yuv, cv::COLOR_RGB2YUV_I420);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_fill(buffer, 0, yuv.data, yuv.total());
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(frame) * GST_SECOND / 30;
  GST_BUFFER_DURATION(buffer) = GST_SECOND / 30;
  return Buffer(buffer);
}

}  // namespace

Scene::Scene(const SceneOptions& o) {
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, static_cast<guint>(o.width), static_cast<guint>(o.height));
  GST_VIDEO_INFO_FPS_N(&info) = 30;
  GST_VIDEO_INFO_FPS_D(&info) = 1;
  if (GST_VIDEO_INFO_SIZE(&info) != static_cast<gsize>(o.width) * static_cast<gsize>(o.height) * 3 / 2)
    throw Error(ErrorCode::kBadSetting, "scene: width a multiple of 8 and even height are needed");
  const cv::Mat head = test::photograph_head(o.head), background = wall(o.width, o.height);
  const int columns = static_cast<int>(std::ceil(std::sqrt(o.faces))), rows = (o.faces + columns - 1) / columns;
  const double cell_width = static_cast<double>(o.width) / columns, cell_height = static_cast<double>(o.height) / rows;
  const double room = std::min(cell_width - head.cols, cell_height - head.rows) / 2 - 1;
  const int round = std::min(o.frames, static_cast<int>(kTurn * room / kSpeed));
  if (round < kShortestRound)
    throw Error(ErrorCode::kBadSetting, "scene: " + std::to_string(o.faces) + " heads of " + std::to_string(o.head) + " px have no room to move");
  const double radius = kSpeed * round / kTurn;
  for (int t = 0; t < round; ++t) {
    cv::Mat frame = background.clone();
    for (int i = 0; i < o.faces; ++i) {
      const double angle = kTurn * (static_cast<double>(t) / round + 0.37 * i);
      paste(frame, head, (i % columns + 0.5) * cell_width - head.cols / 2.0 + radius * std::cos(angle),
            (i / columns + 0.5) * cell_height - head.rows / 2.0 + radius * std::sin(angle));
    }
    frames.push_back(to_i420(frame, info, t));
  }
}

}  // namespace fmpn::bench
