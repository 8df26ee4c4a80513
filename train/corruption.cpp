#include "corruption.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string_view>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <fmpn/error.h>

#include "core/core_error.h"
#include "core/cv_view.h"

namespace fmpn::train {
namespace {

cv::Mat resized(const cv::Mat& image, double factor, cv::RNG&) {
  constexpr int kLongest = 16384;  // half of what OpenCV's warps take, and 0.8 GB
  if (std::max(image.cols, image.rows) * factor > kLongest)
    throw Error(ErrorCode::kBadSetting, "resize: a picture of " + std::to_string(image.cols) + "×" + std::to_string(image.rows) +
                                            " would become longer than " + std::to_string(kLongest) + " pixels");
  const auto side = [&](int pixels) { return std::max(1, static_cast<int>(std::lround(pixels * factor))); };
  cv::Mat out;
  cv::resize(image, out, {side(image.cols), side(image.rows)}, 0, 0, factor < 1 ? cv::INTER_AREA : cv::INTER_LANCZOS4);
  return out;
}

cv::Mat blurred(const cv::Mat& image, double sigma, cv::RNG&) {
  cv::Mat out;
  cv::GaussianBlur(image, out, {}, sigma, sigma, cv::BORDER_REPLICATE);
  return out;
}

cv::Mat noisy(const cv::Mat& image, double sigma, cv::RNG& draw) {
  cv::Mat noise(image.size(), CV_16S), out;
  draw.fill(noise, cv::RNG::NORMAL, 0, sigma);
  cv::merge(std::vector<cv::Mat>(static_cast<std::size_t>(image.channels()), noise), noise);
  cv::add(image, noise, out, cv::noArray(), CV_8U);
  return out;
}

cv::Mat compressed(const cv::Mat& image, double quality, cv::RNG&) {
  cv::Mat bgr = image, out;
  if (image.channels() == 3) cv::cvtColor(image, bgr, cv::COLOR_RGB2BGR);
  std::vector<std::uint8_t> file;
  cv::imencode(".jpg", bgr, file, {cv::IMWRITE_JPEG_QUALITY, static_cast<int>(quality)});
  out = cv::imdecode(file, cv::IMREAD_UNCHANGED);
  if (image.channels() == 3) cv::cvtColor(out, out, cv::COLOR_BGR2RGB);
  return out;
}

cv::Mat brightened(const cv::Mat& image, double factor, cv::RNG&) {
  cv::Mat out;
  image.convertTo(out, CV_8U, factor);
  return out;
}

cv::Mat contrasted(const cv::Mat& image, double factor, cv::RNG&) {
  const cv::Scalar means = cv::mean(image);
  double mean = 0;
  for (int c = 0; c < image.channels(); ++c) mean += means[c] / image.channels();
  cv::Mat out;
  image.convertTo(out, CV_8U, factor, mean * (1 - factor));
  return out;
}

cv::Mat rotated(const cv::Mat& image, double degrees, cv::RNG&) {
  const cv::Point2f centre(static_cast<float>(image.cols - 1) / 2, static_cast<float>(image.rows - 1) / 2);
  cv::Mat out;
  cv::warpAffine(image, out, cv::getRotationMatrix2D(centre, degrees, 1), image.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return out;
}

struct Operation {
  const char* metavar;
  double least, most;
  cv::Mat (*apply)(const cv::Mat&, double strength, cv::RNG& draw);
  bool whole = false;  ///< whole numbers alone
};
const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> all{
      {"resize", {"FACTOR", 1.0 / 16, 16, resized}},
      {"blur", {"SIGMA", 0.1, 50, blurred}},
      {"noise", {"SIGMA", 1, 128, noisy}},
      {"jpeg", {"QUALITY", 1, 100, compressed, true}},
      {"brightness", {"FACTOR", 0.05, 4, brightened}},
      {"contrast", {"FACTOR", 0.05, 4, contrasted}},
      {"rotate", {"DEGREES", -180, 180, rotated}},
  };
  return all;
}

}  // namespace

Corruption parse_corruption(const std::string& text) {
  const std::size_t colon = text.find(':');
  Corruption result{text.substr(0, colon), 0};
  const auto found = operations().find(result.kind);
  if (found == operations().end()) {
    std::string known;
    for (const auto& [kind, operation] : operations()) known += (known.empty() ? "" : ", ") + kind + ':' + operation.metavar;
    throw Error(ErrorCode::kBadSetting, "no corruption '" + result.kind + "'; there are " + known);
  }
  const Operation& operation = found->second;
  const char* const end = text.data() + text.size();
  const char* const number = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [rest, fault] = std::from_chars(number, end, result.strength);
  const bool fits = result.strength >= operation.least && result.strength <= operation.most;
  if (fault != std::errc() || rest != end || !fits || (operation.whole && result.strength != std::floor(result.strength))) {
    char range[80];
    std::snprintf(range, sizeof range, "%s a %snumber of %g…%g", operation.metavar, operation.whole ? "whole " : "", operation.least,
                  operation.most);
    throw Error(ErrorCode::kBadSetting, "'" + text + "' is not " + result.kind + ':' + operation.metavar + ", " + range);
  }
  return result;
}

Image corrupted(const ImageView& picture, const std::vector<Corruption>& corruptions) {
  return core_error([&] {
    cv::Mat image = as_mat(picture).clone();
    cv::RNG draw(std::hash<std::string_view>()({reinterpret_cast<const char*>(image.data), image.total() * image.elemSize()}));
    for (const Corruption& c : corruptions) image = operations().at(c.kind).apply(image, c.strength, draw);
    return to_image(image);
  });
}

}  // namespace fmpn::train
