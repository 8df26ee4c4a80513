#include "runtime/crop_pixels.h"

#include <algorithm>

#include <fmpn/error.h>
#include <fmpn/motion_mask.h>

#include "core/cv_view.h"

namespace fmpn {

std::vector<float> crop_pixels(const std::vector<ImageView>& crops, const ModelInfo& info) {
  const int side = info.input_size;
  std::vector<float> pixels(crops.size() * static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  float* out = pixels.data();
  for (const ImageView& crop : crops) {
    if (crop.width != crop.height || (crop.width != info.crop_size && crop.width != side))
      throw Error(ErrorCode::kBadSetting, "a crop of " + std::to_string(crop.width) + "×" + std::to_string(crop.height) +
                                              "; the model takes " + std::to_string(info.crop_size) + " or " + std::to_string(side) +
                                              " px squares");
    const int offset = centre_offset(crop.width, side);
    cv::Mat source = info.color == "gray" ? as_gray(crop) : as_mat(crop);
    if (source.channels() == 1) cv::cvtColor(source, source, cv::COLOR_GRAY2RGB);
    for (int y = 0; y < side; ++y) {
      const auto* row = source.ptr<std::uint8_t>(y + offset) + 3 * offset;
      for (int x = 0; x < 3 * side; ++x) *out++ = static_cast<float>(row[x]) / 255.0F;
    }
  }
  return pixels;
}

std::vector<float> luma_of(const std::vector<float>& rgb) {
  std::vector<float> luma(rgb.size() / 3);
  for (std::size_t i = 0; i < luma.size(); ++i) luma[i] = 0.299F * rgb[3 * i] + 0.587F * rgb[3 * i + 1] + 0.114F * rgb[3 * i + 2];
  return luma;
}

void append_mirrored(std::vector<float>& pixels, int side, int channels) {
  const auto row = static_cast<std::size_t>(side) * static_cast<std::size_t>(channels);
  const std::size_t count = pixels.size();
  pixels.resize(2 * count);
  for (std::size_t first = 0; first < count; first += row)
    for (int x = 0; x < side; ++x)
      std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(first) + static_cast<std::ptrdiff_t>(x) * channels, channels,
                  pixels.begin() + static_cast<std::ptrdiff_t>(count + first) + static_cast<std::ptrdiff_t>(side - 1 - x) * channels);
}

}  // namespace fmpn
