#include "runtime/crop_tensor.h"

#include <torch/torch.h>

#include "core/cv_view.h"

namespace fmpn {

torch::Tensor crops_to_tensor(const std::vector<ImageView>& crops, const ModelInfo& info) {
  const int side = info.input_size;
  torch::Tensor batch = torch::empty({static_cast<int64_t>(crops.size()), 3, side, side});
  float* out = batch.data_ptr<float>();
  for (const ImageView& crop : crops) {
    if (crop.width != crop.height || (crop.width != info.crop_size && crop.width != side))
      throw Error(ErrorCode::kBadSetting, "a crop of " + std::to_string(crop.width) + "×" + std::to_string(crop.height) + "; the model takes " +
                                              std::to_string(info.crop_size) + " or " + std::to_string(side) + " px squares");
    const int offset = (crop.width - side) / 2;
    cv::Mat source = info.color == "gray" ? as_gray(crop) : as_mat(crop);
    if (source.channels() == 1) cv::cvtColor(source, source, cv::COLOR_GRAY2RGB);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < side; ++y) {
        const auto* row = source.ptr<std::uint8_t>(y + offset) + 3 * offset;
        for (int x = 0; x < side; ++x) *out++ = static_cast<float>(row[3 * x + c]) / 255.0F;
      }
  }
  return batch;
}

}  // namespace fmpn
