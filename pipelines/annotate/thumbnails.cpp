#include "thumbnails.h"

#include <algorithm>

#include <glib.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace fmpn::annotate {

bool Thumbnails::wants(int face, double quality) const {
  const auto known = pictures_.find(face);
  return known == pictures_.end() || quality > known->second.quality + 0.1;
}

void Thumbnails::add(int face, double quality, const ImageView& frame, const Box& box) {
  const cv::Mat all(frame.height, frame.width, frame.format == PixelFormat::kGray8 ? CV_8UC1 : CV_8UC3,
                    const_cast<std::uint8_t*>(frame.data), static_cast<std::size_t>(frame.stride));
  const double half = 0.65 * static_cast<double>(std::max(box.width, box.height));
  const double x = static_cast<double>(box.x + box.width / 2), y = static_cast<double>(box.y + box.height / 2);
  const cv::Rect wanted(static_cast<int>(x - half), static_cast<int>(y - half), static_cast<int>(2 * half), static_cast<int>(2 * half));
  const cv::Rect area = wanted & cv::Rect(0, 0, all.cols, all.rows);
  if (area.empty()) return;
  cv::Mat square, small;
  cv::copyMakeBorder(all(area), square, area.y - wanted.y, wanted.br().y - area.br().y, area.x - wanted.x, wanted.br().x - area.br().x,
                     cv::BORDER_REPLICATE);
  cv::resize(square, small, {side_, side_}, 0, 0, square.cols > side_ ? cv::INTER_AREA : cv::INTER_LINEAR);
  if (small.channels() == 3) cv::cvtColor(small, small, cv::COLOR_RGB2BGR);
  Picture& picture = pictures_[face];
  picture.quality = quality;
  cv::imencode(".jpg", small, picture.jpeg, {cv::IMWRITE_JPEG_QUALITY, 85});
}

std::string Thumbnails::jpeg_base64(int face) const {
  const auto known = pictures_.find(face);
  if (known == pictures_.end()) return {};
  gchar* text = g_base64_encode(known->second.jpeg.data(), known->second.jpeg.size());
  const std::string result = text;
  g_free(text);
  return result;
}

}  // namespace fmpn::annotate
