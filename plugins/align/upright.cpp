#include "upright.h"

#include <algorithm>
#include <cmath>

#include <opencv2/core.hpp>

namespace fmpn::gst {

struct Upright::Picture {
  cv::Mat pixels;
};

Upright::Upright() : picture_(std::make_unique<Picture>()) {}
Upright::~Upright() = default;

void Upright::set(GstVideoOrientationMethod method, int width, int height) {
  method_ = method;
  width_ = width;
  height_ = height;
}

ImageView Upright::turned(const ImageView& frame) {
  if (method_ == GST_VIDEO_ORIENTATION_IDENTITY) return frame;
  const cv::Mat from(frame.height, frame.width, CV_8UC(channels(frame.format)), const_cast<std::uint8_t*>(frame.data),
                     static_cast<std::size_t>(frame.stride));
  cv::Mat& to = picture_->pixels;
  switch (method_) {
    case GST_VIDEO_ORIENTATION_90R: cv::rotate(from, to, cv::ROTATE_90_CLOCKWISE); break;
    case GST_VIDEO_ORIENTATION_180: cv::rotate(from, to, cv::ROTATE_180); break;
    case GST_VIDEO_ORIENTATION_90L: cv::rotate(from, to, cv::ROTATE_90_COUNTERCLOCKWISE); break;
    case GST_VIDEO_ORIENTATION_HORIZ: cv::flip(from, to, 1); break;
    case GST_VIDEO_ORIENTATION_VERT: cv::flip(from, to, 0); break;
    case GST_VIDEO_ORIENTATION_UL_LR: cv::transpose(from, to); break;
    case GST_VIDEO_ORIENTATION_UR_LL:
      cv::transpose(from, to);
      cv::flip(to, to, -1);
      break;
    default: return frame;
  }
  return {to.data, to.cols, to.rows, static_cast<std::ptrdiff_t>(to.step), frame.format};
}

// Where the turned picture's point (u, v) lies in the frame. `edge` is 1 for centres of pixels, whose last one has the
// number size − 1, and 0 for their edges.
Point Upright::to_frame(double u, double v, double edge) const {
  const double right = width_ - edge, bottom = height_ - edge;
  const auto point = [](double x, double y) { return Point{static_cast<float>(x), static_cast<float>(y)}; };
  switch (method_) {
    case GST_VIDEO_ORIENTATION_90R: return point(v, bottom - u);
    case GST_VIDEO_ORIENTATION_180: return point(right - u, bottom - v);
    case GST_VIDEO_ORIENTATION_90L: return point(right - v, u);
    case GST_VIDEO_ORIENTATION_HORIZ: return point(right - u, v);
    case GST_VIDEO_ORIENTATION_VERT: return point(u, bottom - v);
    case GST_VIDEO_ORIENTATION_UL_LR: return point(v, u);
    case GST_VIDEO_ORIENTATION_UR_LL: return point(right - v, bottom - u);
    default: return point(u, v);
  }
}

Box Upright::turned(const Box& box) const {
  // to_frame() moves by whole quarter turns: its linear part's inverse is its transpose.
  const Point origin = to_frame(0, 0, 0), along_u = to_frame(1, 0, 0), along_v = to_frame(0, 1, 0);
  const auto back = [&](float x, float y) {
    const float dx = x - origin.x, dy = y - origin.y;
    return Point{dx * (along_u.x - origin.x) + dy * (along_u.y - origin.y), dx * (along_v.x - origin.x) + dy * (along_v.y - origin.y)};
  };
  const Point a = back(box.x, box.y), b = back(box.x + box.width, box.y + box.height);
  return {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y)};
}

void Upright::turn_back(AlignedFace& face) const {
  if (method_ == GST_VIDEO_ORIENTATION_IDENTITY) return;
  const Box& box = face.box;
  const Point a = to_frame(box.x, box.y, 0), b = to_frame(box.x + box.width, box.y + box.height, 0);
  face.box = {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y)};
  for (Point& mark : face.landmarks) mark = to_frame(mark.x, mark.y, 1);
  // Frame → turned picture → crop.
  const Point origin = to_frame(0, 0, 1), along_u = to_frame(1, 0, 1), along_v = to_frame(0, 1, 1);
  const double uu[2] = {along_u.x - origin.x, along_u.y - origin.y}, vv[2] = {along_v.x - origin.x, along_v.y - origin.y};
  const Affine m = face.warp;
  for (std::size_t row = 0; row < 2; ++row) {
    const std::size_t r = 3 * row;
    face.warp[r] = m[r] * uu[0] + m[r + 1] * vv[0];
    face.warp[r + 1] = m[r] * uu[1] + m[r + 1] * vv[1];
    face.warp[r + 2] = m[r + 2] - face.warp[r] * origin.x - face.warp[r + 1] * origin.y;
  }
}

}  // namespace fmpn::gst
