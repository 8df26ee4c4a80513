#include "png_file.h"

#include <vector>

#include <opencv2/imgcodecs.hpp>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "files/whole_file.h"

namespace fmpn::train {

std::string png_bytes(const ImageView& picture) {
  cv::Mat mat = as_mat(picture);
  if (mat.channels() == 3) {
    cv::Mat bgr;  // not in place: the pixels are the caller's
    cv::cvtColor(mat, bgr, cv::COLOR_RGB2BGR);
    mat = bgr;
  }
  std::vector<unsigned char> bytes;
  if (!cv::imencode(".png", mat, bytes))
    throw Error(ErrorCode::kIo,
                "a picture of " + std::to_string(picture.width) + "×" + std::to_string(picture.height) + " px cannot be encoded as PNG");
  return {bytes.begin(), bytes.end()};
}

void write_whole_png(const std::string& path, const ImageView& picture) { write_whole(path, png_bytes(picture)); }

}  // namespace fmpn::train
