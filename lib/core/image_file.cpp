#include <filesystem>
#include <fstream>
#include <iterator>

#include <opencv2/imgcodecs.hpp>

#include "core/core_error.h"
#include "core/cv_view.h"
#include "files/whole_file.h"

namespace fmpn {
namespace {

/// A JPEG without its end-of-image marker: decoders fill what is missing with gray, and only warn. What cameras put behind the marker
/// is not looked at. (ITU-T T.81, B.1.1: a marker is FF and a byte that is neither 0 nor FF; all but some are followed by a length.)
bool is_cut_jpeg(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file.get() != 0xFF || file.get() != 0xD8) return false;
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t at = 0; at + 1 < bytes.size();) {
    const unsigned marker = byte(at + 1);
    if (byte(at) != 0xFF || marker == 0xFF) ++at;  // within a scan, or a fill byte
    else if (marker == 0xD9) return false;
    else if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) at += 2;  // stuffing, restarts: no length
    else if (at + 3 < bytes.size()) at += 2 + (byte(at + 2) << 8U | byte(at + 3));
    else break;
  }
  return true;
}

}  // namespace

Image read_image(const std::string& path) {
  return core_error([&] {
    require_file(path);
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
    // Not imwrite(), some of whose formats say nothing of a full disk.
    std::vector<unsigned char> bytes;
    std::string why = "OpenCV does not encode it so";
    try {
      if (cv::imencode(std::filesystem::path(path).extension().string(), mat, bytes)) why.clear();
    } catch (const cv::Exception& fault) {
      why = fault.err;
    }
    if (!why.empty()) throw Error(ErrorCode::kIo, path + ": cannot be written (" + why + ")");
    WholeFile file(path);
    file.append(bytes.data(), bytes.size());
    file.commit(false);
  });
}

}  // namespace fmpn
