#include "data_set.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <torch/torch.h>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "core/cv_view.h"
#include "manifest.h"
#include "progress.h"

namespace fmpn::train {
namespace fs = std::filesystem;

std::vector<std::string> classes_of(const std::string& folder) {
  std::set<std::string> seen;
  for (const ManifestRow& row : read_manifest(folder))
    if (!row.label.empty()) seen.insert(row.label);
  std::vector<std::string> classes;
  for (const auto name : kExpressions)
    if (seen.erase(std::string(name)) != 0) classes.emplace_back(name);
  if (!seen.empty()) throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: the label '" + *seen.begin() + "' is no expression that is known");
  if (classes.size() < 2) throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: fewer than two classes");
  return classes;
}

bool looks_gray(const std::string& folder) {
  int left = 64;
  for (const ManifestRow& row : read_manifest(folder)) {
    if (left-- == 0) break;
    const Image crop = read_image((fs::path(folder) / row.path).string());
    for (std::size_t i = 0; i < crop.pixels.size(); i += 3)
      if (crop.pixels[i] != crop.pixels[i + 1] || crop.pixels[i] != crop.pixels[i + 2]) return false;
  }
  return true;
}

DataSet load_data_set(const std::string& folder, const Selection& selection, const ModelInfo& info) {
  const auto rows = select_rows(read_manifest(folder), selection);
  const std::string what = selection.fold >= 0 ? (selection.within ? "the fold " : "the folds other than ") + std::to_string(selection.fold) : "the split '" + selection.split + "'";
  if (rows.empty()) throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: no picture in " + what);
  const int side = info.crop_size;
  const int64_t planes = info.color == "gray" ? 1 : 3;
  const auto count = static_cast<int64_t>(rows.size());
  DataSet data{torch::empty({count, planes, side, side}, torch::kUInt8), torch::empty({count}, torch::kInt64)};
  Progress progress("read " + what, count);
  for (int64_t i = 0; i < count; ++i) {
    const ManifestRow& row = rows[static_cast<std::size_t>(i)];
    const std::string path = (fs::path(folder) / row.path).string();
    const Image crop = read_image(path);
    if (crop.width != side || crop.height != side)
      throw Error(ErrorCode::kBadFormat, path + ": " + std::to_string(crop.width) + "×" + std::to_string(crop.height) +
                                             " px; the run takes crops of " + std::to_string(side));
    const auto label = std::find(info.classes.begin(), info.classes.end(), row.label);
    if (label == info.classes.end()) throw Error(ErrorCode::kBadFormat, path + ": the label '" + row.label + "' is not a class of the run");
    data.labels[i] = label - info.classes.begin();
    cv::Mat mat = planes == 1 ? as_gray(crop.view()) : as_mat(crop.view());
    const auto pixels = torch::from_blob(mat.data, {side, side, planes}, torch::kUInt8);
    data.crops[i].copy_(pixels.permute({2, 0, 1}));
    progress.update(i + 1);
  }
  return data;
}

}  // namespace fmpn::train
