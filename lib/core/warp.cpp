#include <algorithm>
#include <climits>
#include <cmath>

#include <fmpn/aligner.h>

#include "core/core_error.h"
#include "core/cv_view.h"

namespace fmpn {
namespace {

void check_crop_size(int crop_size) {
  if (crop_size < 8 || crop_size > 1024)
    throw Error(ErrorCode::kBadSetting, "crop-size " + std::to_string(crop_size) + " is not in 8…1024");
}

Image to_rgb_image(const cv::Mat& mat) {
  if (mat.channels() == 3) return to_image(mat);
  cv::Mat rgb;
  cv::cvtColor(mat, rgb, cv::COLOR_GRAY2RGB);
  return to_image(rgb);
}

/// The part of the frame that the crop shows, with a margin for interpolation, cut to the frame.
cv::Rect source_region(const cv::Mat& to_crop, int crop_size, cv::Size frame) {
  cv::Mat to_frame;
  cv::invertAffineTransform(to_crop, to_frame);
  const auto* m = to_frame.ptr<double>();
  double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
  for (const double cy : {0.0, crop_size - 1.0}) {
    for (const double cx : {0.0, crop_size - 1.0}) {
      const double x = m[0] * cx + m[1] * cy + m[2];
      const double y = m[3] * cx + m[4] * cy + m[5];
      x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
    }
  }
  const double margin = 2 + 2 * (x1 - x0) / crop_size;
  const cv::Rect region(cv::Point(cvFloor(std::clamp(x0 - margin, -1e6, 1e6)), cvFloor(std::clamp(y0 - margin, -1e6, 1e6))),
                        cv::Point(cvCeil(std::clamp(x1 + margin, -1e6, 1e6)), cvCeil(std::clamp(y1 + margin, -1e6, 1e6))));
  return region & cv::Rect(cv::Point(), frame);
}

}  // namespace

Affine alignment_warp(const Landmarks& landmarks, int crop_size) {
  check_crop_size(crop_size);
  // Least squares for x' = a·x − b·y + tx, y' = b·x + a·y + ty, in closed form about the centroids (Umeyama 1991
  // without reflection).
  double mx = 0, my = 0, ux = 0, uy = 0;
  const double n = static_cast<double>(landmarks.size());
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    mx += landmarks[i].x / n, my += landmarks[i].y / n;
    ux += kStandardTemplate[i].x * crop_size / n, uy += kStandardTemplate[i].y * crop_size / n;
  }
  double dot = 0, cross = 0, spread = 0;
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    const double x = landmarks[i].x - mx, y = landmarks[i].y - my;
    const double u = kStandardTemplate[i].x * crop_size - ux, v = kStandardTemplate[i].y * crop_size - uy;
    dot += x * u + y * v, cross += x * v - y * u, spread += x * x + y * y;
  }
  if (!(spread > 1e-6)) throw Error(ErrorCode::kBadSetting, "the five landmarks of a face fall on one point");
  const double a = dot / spread, b = cross / spread;
  return {a, -b, ux - a * mx + b * my, b, a, uy - b * mx - a * my};
}

// What changes a crop raises kCropVersion, see crop_version.h.
Image warp_face(const ImageView& frame, const Affine& warp, int crop_size) {
  return core_error([&] {
    check_crop_size(crop_size);
    if (!std::all_of(warp.begin(), warp.end(), [](double x) { return std::isfinite(x); }))
      throw Error(ErrorCode::kBadSetting, "a warp of numbers that are not finite");
    cv::Mat source = as_mat(frame);
    cv::Mat m = (cv::Mat_<double>(2, 3) << warp[0], warp[1], warp[2], warp[3], warp[4], warp[5]);
    const double scale = std::sqrt(std::abs(warp[0] * warp[4] - warp[1] * warp[3]));
    const int step = std::clamp(static_cast<int>(1 / std::max(scale, 1e-3)), 1, 64);
    const cv::Rect region = source_region(m, crop_size, source.size());
    if (step > 1 && region.width >= 2 * step && region.height >= 2 * step) {
      const cv::Rect whole(region.x, region.y, region.width / step * step, region.height / step * step);
      cv::Mat small;
      cv::resize(source(whole), small, cv::Size(whole.width / step, whole.height / step), 0, 0, cv::INTER_AREA);
      // Pixel (i, j) of `small` is centred on region + step·(i, j) + (step − 1)/2.
      const double ox = whole.x + (step - 1) / 2.0, oy = whole.y + (step - 1) / 2.0;
      m = (cv::Mat_<double>(2, 3) << warp[0] * step, warp[1] * step, warp[0] * ox + warp[1] * oy + warp[2],
           warp[3] * step, warp[4] * step, warp[3] * ox + warp[4] * oy + warp[5]);
      source = small;
    } else if (std::max(source.cols, source.rows) >= SHRT_MAX && !region.empty()) {  // more than OpenCV's warps can count
      m.at<double>(0, 2) += warp[0] * region.x + warp[1] * region.y;
      m.at<double>(1, 2) += warp[3] * region.x + warp[4] * region.y;
      source = source(region);
    }
    cv::Mat crop;
    cv::warpAffine(source, crop, m, cv::Size(crop_size, crop_size), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    return to_rgb_image(crop);
  });
}

Image whole_picture_crop(const ImageView& picture, int crop_size) {
  return core_error([&] {
    check_crop_size(crop_size);
    const cv::Mat source = as_mat(picture);
    cv::Mat crop;
    const bool shrinks = source.cols > crop_size && source.rows > crop_size;
    cv::resize(source, crop, cv::Size(crop_size, crop_size), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    return to_rgb_image(crop);
  });
}

}  // namespace fmpn
