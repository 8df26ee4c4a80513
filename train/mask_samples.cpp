#include "mask_samples.h"

#include <torch/types.h>

#include "augmentation.h"
#include "contact_sheet.h"
#include "core/cv_view.h"

namespace fmpn::train {
namespace {

/// C×S×S float in [0,1] → RGB.
Image picture_of(const torch::Tensor& values) {
  const auto bytes = (values.clamp(0, 1) * 255).round().to(torch::kUInt8).expand({3, -1, -1}).permute({1, 2, 0}).contiguous();
  const cv::Mat mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC3, bytes.data_ptr<std::uint8_t>());
  return to_image(mat);
}

/// 1×S×S float in [0,1] → heat map.
Image heat_map(const torch::Tensor& mask) {
  const auto bytes = (mask.clamp(0, 1) * 255).round().to(torch::kUInt8).contiguous();
  const cv::Mat gray(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(2)), CV_8UC1, bytes.data_ptr<std::uint8_t>());
  cv::Mat heat;
  cv::applyColorMap(gray, heat, cv::COLORMAP_INFERNO);
  cv::cvtColor(heat, heat, cv::COLOR_BGR2RGB);
  return to_image(heat);
}

}  // namespace

Image mask_samples(FmpnNetImpl& net, const DataSet& data, const torch::Tensor& class_masks, const std::vector<std::string>& classes,
                   int input_size, const std::string& title) {
  constexpr int64_t kFaces = 2;
  const torch::InferenceMode inference;
  net.eval();
  const torch::Device device = net.parameters().front().device();
  std::vector<Tile> tiles;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto members = data.labels.eq(static_cast<int64_t>(c)).nonzero().flatten();
    if (members.size(0) == 0) continue;
    for (int64_t n = 0; n < kFaces; ++n) {
      // Spread over the class: neighbours are often frames of one sequence. A class of one picture shows it twice.
      const auto chosen = members.narrow(0, members.size(0) * n / kFaces, 1);
      const Batch batch = augment(data.take(chosen), class_masks.narrow(0, static_cast<int64_t>(c), 1), input_size, "none");
      const auto generated = net.generate_mask(batch.rgb.to(device)).to(torch::kCPU);
      const double error = (generated - batch.mask).square().mean().item<double>();
      tiles.push_back({picture_of(batch.rgb[0]), classes[c], "face"});
      tiles.push_back({heat_map(generated[0]), "generated", "MSE " + std::to_string(error).substr(0, 6)});
      tiles.push_back({heat_map(batch.mask[0]), "ground truth", classes[c]});
    }
  }
  return contact_sheet(title, tiles, static_cast<int>(3 * kFaces));
}

}  // namespace fmpn::train
