#include "teacher.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "crop_views.h"
#include "interrupt.h"
#include "joined.h"
#include "progress.h"
#include "runtime/model_file.h"

namespace fmpn::train {
namespace {

constexpr char kShares[] = "shares", kTeachers[] = "teachers", kKey[] = "made_for";

std::vector<Image> resized(const std::vector<ImageView>& crops, int side) {
  std::vector<Image> all;
  for (const ImageView& crop : crops) {
    cv::Mat to;
    cv::resize(as_mat(crop), to, {side, side}, 0, 0, crop.width > side ? cv::INTER_AREA : cv::INTER_LINEAR);
    all.push_back(to_image(to));
  }
  return all;
}

/// Pictures at a time: what a CPU's cache holds, or enough to keep a GPU busy and not too many for its memory.
int64_t batch_for(const EngineOptions& options, int side) {
  constexpr int64_t kPixels = 256 * 48 * 48;
  return options.device == "cpu" ? 16 : std::clamp<int64_t>(kPixels / (int64_t{side} * side), 1, 256);
}

void add_answers(const Engine& engine, const EngineOptions& options, const DataSet& data, torch::Tensor& sum) {
  const int64_t batch = batch_for(options, engine.info().input_size);
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

std::string names_of_teachers(const std::vector<std::string>& teachers, const std::vector<std::string>& classes) {
  std::string names;
  for (const std::string& teacher : teachers) {
    const ModelInfo info = read_model_info(teacher);
    if (info.classes != classes)
      throw Error(ErrorCode::kBadSetting, "--teacher: " + teacher + " knows " + joined(info.classes) + "; the data has " + joined(classes));
    names += (names.empty() ? "" : " + ") + info.name;
  }
  return names;
}

SoftTargets soft_targets(const std::vector<std::string>& teachers, const EngineOptions& options, const std::vector<std::string>& classes,
                         const DataSet& data) {
  SoftTargets targets{torch::zeros({data.size(), static_cast<int64_t>(classes.size())}), names_of_teachers(teachers, classes)};
  for (const std::string& teacher : teachers) add_answers(*Engine::load(teacher, options), options, data, targets.shares);
  constexpr double kViews = 2;
  targets.shares /= kViews * static_cast<double>(teachers.size());
  return targets;
}

std::string soft_targets_key(const std::vector<std::string>& classes, const DataSet& data) {
  std::string all = joined(classes) + '\n';
  for (const std::uint64_t key : data.keys) all += std::to_string(key) + '\n';
  return std::to_string(std::hash<std::string>()(all));
}

void keep_soft_targets(const std::string& path, const std::string& key, const SoftTargets& targets) {
  write_safetensors(path, {{{kKey, key}, {kTeachers, targets.teachers}}, {{kShares, stored_as(targets.shares, /*half=*/false)}}});
}

std::optional<SoftTargets> kept_soft_targets(const std::string& path, const std::string& key) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const SafeTensors content = read_safetensors(path);
  const auto found = content.metadata.find(kKey);
  if (found == content.metadata.end() || found->second != key) return std::nullopt;
  if (content.tensors.count(kShares) == 0 || content.metadata.count(kTeachers) == 0)
    throw Error(ErrorCode::kBadFormat, path + ": not what teachers say; remove it, and they are asked again");
  return SoftTargets{view_of(content.tensors.at(kShares)).clone(), content.metadata.at(kTeachers)};
}

}  // namespace fmpn::train
