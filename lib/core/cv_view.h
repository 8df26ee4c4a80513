#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <fmpn/error.h>
#include <fmpn/image_view.h>

namespace fmpn {

/// Throws kBadSetting for an empty or impossible view.
inline void require_picture(const ImageView& view) {
  if (view.data == nullptr || view.width < 1 || view.height < 1 || view.stride < std::ptrdiff_t{view.width} * channels(view.format))
    throw Error(ErrorCode::kBadSetting, "not a picture: " + std::to_string(view.width) + "×" +
                                            std::to_string(view.height) + ", stride " + std::to_string(view.stride));
}

/// The same pixels as a cv::Mat header (no copy). Throws as require_picture().
inline cv::Mat as_mat(const ImageView& view) {
  require_picture(view);
  return cv::Mat(view.height, view.width, CV_8UC(channels(view.format)), const_cast<std::uint8_t*>(view.data),
                 static_cast<std::size_t>(view.stride));
}

/// The luma 0.299 R + 0.587 G + 0.114 B; a gray view is passed through without a copy.
inline cv::Mat as_gray(const ImageView& view) {
  const cv::Mat mat = as_mat(view);
  if (view.format == PixelFormat::kGray8) return mat;
  cv::Mat gray;
  cv::cvtColor(mat, gray, cv::COLOR_RGB2GRAY);
  return gray;
}

/// Copies a gray or RGB cv::Mat into an Image.
inline Image to_image(const cv::Mat& mat) {
  Image image;
  image.width = mat.cols;
  image.height = mat.rows;
  image.format = mat.channels() == 1 ? PixelFormat::kGray8 : PixelFormat::kRgb8;
  image.pixels.resize(mat.total() * mat.elemSize());
  cv::Mat target(mat.rows, mat.cols, mat.type(), image.pixels.data());
  mat.copyTo(target);
  return image;
}

}  // namespace fmpn
