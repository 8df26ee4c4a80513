#pragma once

#include <vector>

#include <torch/types.h>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// Crops of a DataSet as the engine takes them.
struct CropViews {
  /// `planes`: N×C×H×H uint8, C 1 or 3.
  explicit CropViews(const torch::Tensor& planes) : pixels(planes.permute({0, 2, 3, 1}).contiguous()) {
    const auto side = static_cast<int>(pixels.size(1)), channels = static_cast<int>(pixels.size(3));
    for (int64_t i = 0; i < pixels.size(0); ++i)
      views.push_back(
          {pixels[i].data_ptr<std::uint8_t>(), side, side, channels * side, channels == 1 ? PixelFormat::kGray8 : PixelFormat::kRgb8});
  }
  torch::Tensor pixels;  ///< N×H×H×C, which `views` look at
  std::vector<ImageView> views;
};

}  // namespace fmpn::train
