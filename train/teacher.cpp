#include "teacher.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>
#include <torch/torch.h>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "crop_views.h"
#include "interrupt.h"
#include "progress.h"
#include "runtime/model_file.h"

namespace fmpn::train {
namespace {

constexpr char kKey[] = "soft_targets";

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

/// Pictures at a time: what a CPU's cache holds, or enough to keep a GPU busy.
int64_t batch_for(const EngineOptions& options) { return options.device == "cpu" ? 16 : 256; }

void add_answers(const Engine& engine, const DataSet& data, int64_t batch, torch::Tensor& sum) {
  Progress progress("teacher " + engine.info().name, static_cast<long>(data.size()));
  for (int64_t first = 0; first < data.size() && !g_stop_requested; first += batch) {
    const CropViews crops(data.take(torch::arange(first, std::min(first + batch, data.size()))));
    for (const int side : {engine.info().crop_size, engine.info().input_size}) {
      const auto view = resized(crops.views, side);
      std::vector<ImageView> views;
      for (const Image& image : view) views.push_back(image.view());
      const auto answers = engine.classify(views);
      for (std::size_t i = 0; i < answers.size(); ++i)
        sum[first + static_cast<int64_t>(i)] += torch::softmax(torch::tensor(answers[i].logits), 0);
    }
    progress.update(static_cast<long>(std::min(first + batch, data.size())));
  }
}

}  // namespace

torch::Tensor soft_targets(const std::vector<std::string>& teachers, const EngineOptions& options, const std::vector<std::string>& classes,
                           const DataSet& data) {
  for (const std::string& teacher : teachers) {
    const auto known = read_model_info(teacher).classes;
    if (known != classes)
      throw Error(ErrorCode::kBadSetting, "--teacher: " + teacher + " knows " + joined(known) + "; the data has " + joined(classes));
  }
  torch::Tensor sum = torch::zeros({data.size(), static_cast<int64_t>(classes.size())});
  for (const std::string& teacher : teachers) add_answers(*Engine::load(teacher, options), data, batch_for(options), sum);
  constexpr double kViews = 2;
  return sum / (kViews * static_cast<double>(teachers.size()));
}

void write_soft_targets(const std::string& path, const torch::Tensor& targets) {
  write_safetensors(path, {{}, {{kKey, stored_as(targets, /*half=*/false)}}});
}

torch::Tensor read_soft_targets(const std::string& path, std::int64_t count, std::int64_t classes) {
  const SafeTensors content = read_safetensors(path);
  const auto found = content.tensors.find(kKey);
  if (found == content.tensors.end() || found->second.shape != std::vector<std::int64_t>{count, classes})
    throw Error(ErrorCode::kBadFormat, path + ": not what teachers say of " + std::to_string(count) + " pictures and " +
                                           std::to_string(classes) + " classes; has the data changed since the run began?");
  return view_of(found->second).clone();
}

}  // namespace fmpn::train
