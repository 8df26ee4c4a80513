#include <filesystem>
#include <fstream>
#include <iterator>

#include <opencv2/imgcodecs.hpp>

#include "core/core_error.h"
#include "core/cv_view.h"

namespace fmpn {
namespace {

/// A JPEG that ends before its picture does: decoders fill what is missing with gray, and only warn. Within a scan a byte FF is followed
/// by 0, so that a marker found after the last start of a scan is one.
bool is_cut_jpeg(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return false;  // a stream throws over a folder
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.rfind("\xFF\xD8", 0) != 0) return false;
  const std::size_t scan = bytes.rfind("\xFF\xDA"), end = bytes.rfind("\xFF\xD9");
  return scan == std::string::npos || end == std::string::npos || end < scan;
}

}  // namespace

Image read_image(const std::string& path) {
  return core_error([&] {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) throw Error(ErrorCode::kNotFound, path + ": no such file");
    if (is_cut_jpeg(path)) throw Error(ErrorCode::kBadFormat, path + ": not a readable picture (a JPEG that is cut short)");
    cv::Mat bgr;
    try {
      bgr = cv::imread(path, cv::IMREAD_COLOR);
    } catch (const cv::Exception& fault) {
      throw Error(ErrorCode::kBadFormat, path + ": not a readable picture (" + fault.err + ")");
    }
    if (bgr.empty()) throw Error(ErrorCode::kBadFormat, path + ": not a readable picture");
    cv::cvtColor(bgr, bgr, cv::COLOR_BGR2RGB);
    return to_image(bgr);
  });
}

void write_image(const std::string& path, const ImageView& image) {
  return core_error([&] {
    cv::Mat mat = as_mat(image);
    if (mat.channels() == 3) {
      cv::Mat bgr;  // not in place: the pixels are the caller's
      cv::cvtColor(mat, bgr, cv::COLOR_RGB2BGR);
      mat = bgr;
    }
    bool written = false;
    try {
      written = cv::imwrite(path, mat);
    } catch (const cv::Exception& fault) {
      throw Error(ErrorCode::kIo, path + ": cannot be written (" + fault.err + ")");
    }
    if (!written) throw Error(ErrorCode::kIo, path + ": cannot be written");
  });
}

}  // namespace fmpn
