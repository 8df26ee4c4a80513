#include "anonymizer.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

namespace fmpn::overlay {
namespace {

constexpr double kMargin = 0.18;     // of the face's side: chin and hairline
constexpr int kBlocks = 7;           // pixelate: blocks along a side
constexpr double kBlurRadius = 0.2;  // of the side, applied three times: about a Gaussian of a fifth of the face

cv::Mat hidden(const cv::Mat& plane, Anonymize how, double black) {
  cv::Mat result;
  if (how == Anonymize::kBox) return cv::Mat(plane.size(), CV_8UC1, cv::Scalar(black));
  if (how == Anonymize::kPixelate) {
    cv::resize(plane, result, {std::min(kBlocks, plane.cols), std::min(kBlocks, plane.rows)}, 0, 0, cv::INTER_AREA);
    cv::resize(result, result, plane.size(), 0, 0, cv::INTER_NEAREST);
    return result;
  }
  const int side = std::max(1, static_cast<int>(kBlurRadius * std::max(plane.cols, plane.rows))) * 2 + 1;
  cv::blur(plane, result, {side, side}, {-1, -1}, cv::BORDER_REPLICATE | cv::BORDER_ISOLATED);
  for (int i = 0; i < 2; ++i) cv::blur(result, result, {side, side}, {-1, -1}, cv::BORDER_REPLICATE | cv::BORDER_ISOLATED);
  return result;
}

}  // namespace

bool can_hide(const GstVideoFormatInfo* format) {
  if (GST_VIDEO_FORMAT_INFO_FLAGS(format) & (GST_VIDEO_FORMAT_FLAG_COMPLEX | GST_VIDEO_FORMAT_FLAG_TILED | GST_VIDEO_FORMAT_FLAG_PALETTE)) return false;
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++c)
    if (GST_VIDEO_FORMAT_INFO_DEPTH(format, c) != 8 || GST_VIDEO_FORMAT_INFO_SHIFT(format, c) != 0) return false;
  return true;
}

Rect hidden_area(const Rect& face, Size frame) {
  const int dx = static_cast<int>(kMargin * face.width), dy = static_cast<int>(kMargin * face.height);
  return intersection({face.x - dx, face.y - dy, face.width + 2 * dx, face.height + 2 * dy}, {0, 0, frame.width, frame.height});
}

void hide(GstVideoFrame* frame, const Rect& area, Anonymize how) {
  const GstVideoFormatInfo* format = frame->info.finfo;
  if (area.empty() || how == Anonymize::kNone) return;
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++c) {
    if (c == GST_VIDEO_COMP_A) continue;
    // Whole chroma samples that touch the area.
    const int x0 = area.x >> GST_VIDEO_FORMAT_INFO_W_SUB(format, c), y0 = area.y >> GST_VIDEO_FORMAT_INFO_H_SUB(format, c);
    const int x1 = std::min(GST_VIDEO_FORMAT_INFO_SCALE_WIDTH(format, c, area.right()), GST_VIDEO_FRAME_COMP_WIDTH(frame, c));
    const int y1 = std::min(GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(format, c, area.bottom()), GST_VIDEO_FRAME_COMP_HEIGHT(frame, c));
    const int stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, c), step = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c);
    auto* data = static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(frame, c));
    if (x1 <= x0 || y1 <= y0) continue;
    cv::Mat plane(y1 - y0, x1 - x0, CV_8UC1);
    for (int y = 0; y < plane.rows; ++y)
      for (int x = 0; x < plane.cols; ++x) plane.at<uchar>(y, x) = data[(y0 + y) * stride + (x0 + x) * step];
    const bool chroma = GST_VIDEO_FORMAT_INFO_IS_YUV(format) && c != GST_VIDEO_COMP_Y;
    const bool limited = GST_VIDEO_FORMAT_INFO_IS_YUV(format) && frame->info.colorimetry.range != GST_VIDEO_COLOR_RANGE_0_255;
    const cv::Mat result = hidden(plane, how, chroma ? 128 : limited ? 16 : 0);
    for (int y = 0; y < plane.rows; ++y)
      for (int x = 0; x < plane.cols; ++x) data[(y0 + y) * stride + (x0 + x) * step] = result.at<uchar>(y, x);
  }
}

}  // namespace fmpn::overlay
