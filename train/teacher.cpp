#include "teacher.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>
#include <torch/torch.h>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "crop_views.h"
#include "interrupt.h"
#include "progress.h"

namespace fmpn::train {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

std::vector<Image> resized(const std::vector<ImageView>& crops, int side) {
  std::vector<Image> all;
  for (const ImageView& crop : crops) {
    cv::Mat to;
    cv::resize(as_mat(crop), to, {side, side}, 0, 0, crop.width > side ? cv::INTER_AREA : cv::INTER_LINEAR);
    all.push_back(to_image(to));
  }
  return all;
}

}  // namespace

torch::Tensor soft_targets(const std::string& teacher, const EngineOptions& options, const std::vector<std::string>& classes,
                           const DataSet& data) {
  const auto engine = Engine::load(teacher, options);
  const ModelInfo& info = engine->info();
  if (info.classes != classes)
    throw Error(ErrorCode::kBadSetting,
                "--teacher: " + teacher + " knows " + joined(info.classes) + "; the data has " + joined(classes));
  const auto count = static_cast<int64_t>(classes.size());
  torch::Tensor targets = torch::zeros({data.size(), count});
  Progress progress("teacher", static_cast<long>(data.size()));
  constexpr int64_t kBatch = 16;
  for (int64_t first = 0; first < data.size() && !g_stop_requested; first += kBatch) {
    const CropViews crops(data.take(torch::arange(first, std::min(first + kBatch, data.size()))));
    for (const int side : {info.crop_size, info.input_size}) {
      const auto view = resized(crops.views, side);
      std::vector<ImageView> views;
      for (const Image& image : view) views.push_back(image.view());
      const auto answers = engine->classify(views);
      for (std::size_t i = 0; i < answers.size(); ++i)
        targets[first + static_cast<int64_t>(i)] += torch::softmax(torch::tensor(answers[i].logits), 0) / 2;
    }
    progress.update(static_cast<long>(std::min(first + kBatch, data.size())));
  }
  return targets;
}

}  // namespace fmpn::train
