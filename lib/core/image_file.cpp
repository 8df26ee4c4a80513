#include <filesystem>

#include <opencv2/imgcodecs.hpp>

#include "core/core_error.h"
#include "core/cv_view.h"

namespace fmpn {

Image read_image(const std::string& path) {
  return core_error([&] {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) throw Error(ErrorCode::kNotFound, path + ": no such file");
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
