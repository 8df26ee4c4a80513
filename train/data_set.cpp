#include "data_set.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <mutex>
#include <set>

#include <opencv2/core.hpp>
#include <torch/types.h>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "core/cv_view.h"
#include "manifest.h"
#include "pixel_key.h"
#include "progress.h"

namespace fmpn::train {
namespace fs = std::filesystem;

namespace {

/// One crop into `planes` × `side` × `side` bytes at `out`.
void read_crop(const std::string& path, int64_t planes, int64_t side, std::uint8_t* out) {
  const Image crop = read_image(path);
  if (crop.width != side || crop.height != side)
    throw Error(ErrorCode::kBadFormat, path + ": " + std::to_string(crop.width) + "×" + std::to_string(crop.height) +
                                           " px; the run takes crops of " + std::to_string(side));
  const cv::Mat mat = planes == 1 ? as_gray(crop.view()) : as_mat(crop.view());
  std::vector<cv::Mat> split;
  for (int64_t plane = 0; plane < planes; ++plane) split.emplace_back(mat.rows, mat.cols, CV_8UC1, out + plane * side * side);
  cv::split(mat, split);
}

std::uint64_t key_of(const std::uint8_t* pixels, int64_t planes, int64_t side) {
  return pixel_key(pixels, static_cast<std::size_t>(planes * side * side), static_cast<int>(side));
}

}  // namespace

std::string DataSet::file(std::size_t index) const { return (fs::path(folder) / paths[index]).string(); }

torch::Tensor DataSet::take(const torch::Tensor& indices) const {
  if (crops.defined()) return crops.index_select(0, indices);
  torch::Tensor taken = torch::empty({indices.size(0), planes, side, side}, torch::kUInt8);
  const auto* index = indices.data_ptr<int64_t>();
  auto* out = taken.data_ptr<std::uint8_t>();
  const int64_t bytes = planes * side * side;
  std::exception_ptr fault;
  std::mutex mutex;  // guards `fault`
  cv::parallel_for_(cv::Range(0, static_cast<int>(indices.size(0))), [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i) try {
        const auto picture = static_cast<std::size_t>(index[i]);
        read_crop(file(picture), planes, side, out + i * bytes);
        // One that was not looked at yet has no key.
        if (picture < keys.size() && key_of(out + i * bytes, planes, side) != keys[picture])
          throw Error(ErrorCode::kBadFormat, file(picture) + ": has changed since the run began");
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!fault) fault = std::current_exception();
        return;
      }
  });
  if (fault) std::rethrow_exception(fault);
  return taken;
}

std::vector<std::string> classes_of(const std::string& folder, const std::vector<ManifestRow>& rows) {
  std::set<std::string> seen;
  for (const ManifestRow& row : rows)
    if (!row.label.empty()) seen.insert(row.label);
  std::vector<std::string> classes;
  for (const auto name : kExpressions)
    if (seen.erase(std::string(name)) != 0) classes.emplace_back(name);
  if (!seen.empty())
    throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: the label '" + *seen.begin() + "' is no expression that is known");
  if (classes.size() < 2) throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: fewer than two classes");
  return classes;
}

bool looks_gray(const std::string& folder, const std::vector<ManifestRow>& rows) {
  // Data sets that are gray and coloured (CK+) are sorted, by people or time: their beginning does not speak for them.
  constexpr std::size_t kLooks = 256;
  const std::size_t looks = std::min(kLooks, rows.size());
  for (std::size_t look = 0; look < looks; ++look) {
    const Image crop = read_image((fs::path(folder) / rows[look * rows.size() / looks].path).string());
    for (std::size_t i = 0; i < crop.pixels.size(); i += 3)
      if (crop.pixels[i] != crop.pixels[i + 1] || crop.pixels[i] != crop.pixels[i + 2]) return false;
  }
  return true;
}

DataSet load_data_set(const std::string& folder, const std::vector<ManifestRow>& all_rows, const Selection& selection,
                      const ModelInfo& info, std::int64_t cache_bytes) {
  const auto rows = select_rows(all_rows, selection);
  const std::string what = selection.fold >= 0 ? (selection.within ? "the fold " : "the folds other than ") + std::to_string(selection.fold)
                                               : "the split '" + selection.split + "'";
  if (rows.empty()) throw Error(ErrorCode::kBadFormat, folder + "/manifest.csv: no picture in " + what);
  DataSet data;
  data.folder = folder;
  data.planes = info.color == "gray" ? 1 : 3;
  data.side = info.crop_size;
  const auto count = static_cast<int64_t>(rows.size());
  data.labels = torch::empty({count}, torch::kInt64);
  for (int64_t i = 0; i < count; ++i) {
    const ManifestRow& row = rows[static_cast<std::size_t>(i)];
    data.paths.push_back(row.path);
    const auto label = std::find(info.classes.begin(), info.classes.end(), row.label);
    if (label == info.classes.end())
      throw Error(ErrorCode::kBadFormat, data.file(data.paths.size() - 1) + ": the label '" + row.label + "' is not a class of the run");
    data.labels[i] = label - info.classes.begin();
  }
  data.targets = torch::one_hot(data.labels, static_cast<int64_t>(info.classes.size())).to(torch::kFloat32);
  const bool cached = count * data.planes * data.side * data.side <= cache_bytes;
  torch::Tensor crops = cached ? torch::empty({count, data.planes, data.side, data.side}, torch::kUInt8) : torch::Tensor();
  Progress progress((cached ? "read " : "check ") + what, count);
  constexpr int64_t kPart = 512;
  for (int64_t first = 0; first < count; first += kPart) {
    const int64_t part = std::min(kPart, count - first);
    const auto read = data.take(torch::arange(first, first + part));
    for (int64_t i = 0; i < part; ++i)
      data.keys.push_back(key_of(read.data_ptr<std::uint8_t>() + i * data.planes * data.side * data.side, data.planes, data.side));
    if (cached) crops.narrow(0, first, part).copy_(read);
    progress.update(first + part);
  }
  data.crops = crops;
  return data;
}

std::vector<int64_t> indices_not_in(const DataSet& data, const DataSet& others) {
  const std::set<std::uint64_t> seen(others.keys.begin(), others.keys.end());
  std::vector<int64_t> rest;
  for (std::size_t i = 0; i < data.keys.size(); ++i)
    if (seen.count(data.keys[i]) == 0) rest.push_back(static_cast<int64_t>(i));
  return rest;
}

DataSet without_duplicates(const DataSet& data, const DataSet& others) {
  const auto kept = indices_not_in(data, others);
  DataSet rest;
  rest.folder = data.folder, rest.planes = data.planes, rest.side = data.side;
  for (const int64_t i : kept) {
    rest.paths.push_back(data.paths[static_cast<std::size_t>(i)]);
    rest.keys.push_back(data.keys[static_cast<std::size_t>(i)]);
  }
  const auto indices = torch::tensor(kept, torch::kInt64);
  if (data.crops.defined()) rest.crops = data.crops.index_select(0, indices);
  rest.labels = data.labels.index_select(0, indices);
  rest.targets = data.targets.index_select(0, indices);
  return rest;
}

}  // namespace fmpn::train
