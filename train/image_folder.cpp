#include "image_folder.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "progress.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

bool is_picture(const fs::path& path) {
  static const std::set<std::string> suffixes{".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"};
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return suffixes.count(suffix) != 0;
}

std::vector<fs::path> sorted_folders(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void list_classes(const fs::path& root, const std::string& split, std::vector<ManifestRow>& rows) {
  const auto folders = sorted_folders(root);
  if (folders.empty()) throw Error(ErrorCode::kBadFormat, root.string() + ": no class folders in it");
  for (const fs::path& folder : folders) {
    const auto label = canonical_expression(folder.filename().string());
    if (!label) throw Error(ErrorCode::kBadFormat, folder.string() + ": '" + folder.filename().string() + "' is no expression that is known");
    std::vector<fs::path> pictures;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && is_picture(entry.path())) pictures.push_back(entry.path());
    if (pictures.empty()) throw Error(ErrorCode::kBadFormat, folder.string() + ": a class folder without a picture");
    std::sort(pictures.begin(), pictures.end());
    for (const fs::path& picture : pictures) {
      ManifestRow row;
      row.source = picture.string();
      row.label = *label;
      row.split = split;
      // class/subject/picture: the folder in between is the subject.
      const fs::path inner = picture.lexically_relative(folder).parent_path();
      if (!inner.empty()) row.subject = inner.begin()->string();
      rows.push_back(std::move(row));
    }
  }
}

}  // namespace

std::vector<ManifestRow> list_image_folder(const std::string& root) {
  if (!fs::is_directory(root)) throw Error(ErrorCode::kNotFound, root + ": no such folder");
  std::vector<ManifestRow> rows;
  bool splits = false;
  for (const char* split : {"train", "valid", "test"})
    if (fs::is_directory(fs::path(root) / split)) {
      splits = true;
      list_classes(fs::path(root) / split, split, rows);
    }
  if (!splits) list_classes(root, "", rows);
  return rows;
}

StillCrop crop_still(Aligner& aligner, const ImageView& picture) {
  auto faces = aligner.find_in_still(picture);
  if (faces.empty()) return {whole_picture_crop(picture, aligner.options().crop_size), false};
  return {std::move(faces.front().crop), true};
}

void align_in_parallel(const AlignerOptions& options, std::size_t count, const std::string& what,
                       const std::function<void(Aligner&, std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr first;
  std::mutex mutex;  // guards `first` and `progress`
  Progress progress(what, static_cast<long>(count));
  const auto work = [&] {
    try {
      Aligner aligner(options);
      for (std::size_t i = next++; i < count && !stop; i = next++) {
        body(aligner, i);
        const std::lock_guard lock(mutex);
        progress.update(static_cast<long>(i + 1));
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      stop = true;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace fmpn::train
