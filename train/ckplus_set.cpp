// CK+ as its owners ship it: cohn-kanade-images/S005/001/S005_001_00000001.png …, Emotion/S005/001/…_emotion.txt.

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmpn/error.h>

#include "folds.h"
#include "picture_list.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

// The number in an _emotion.txt; 0 is neutral, which no sequence ends with.
constexpr std::array<const char*, 8> kLabels{"", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"};

/// The first of `names` that is a folder in `root`.
fs::path folder_in(const fs::path& root, const std::vector<const char*>& names) {
  for (const char* name : names)
    if (fs::is_directory(root / name)) return root / name;
  throw Error(ErrorCode::kNotFound, root.string() + ": no folder '" + names.front() + "' in it (CK+ is unpacked as its archives have it)");
}

std::vector<std::string> sorted_entries(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && (folders ? entry.is_directory() : is_picture(name))) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

std::vector<fs::path> label_files(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && name.find("_emotion.txt") != std::string::npos) found.push_back(entry.path());
  }
  return found;
}

/// A sequence's label file; empty where it has none. Throws kBadFormat for two.
fs::path label_file(const fs::path& folder) {
  const auto found = label_files(folder);
  if (found.size() > 1) throw Error(ErrorCode::kBadFormat, folder.string() + ": " + std::to_string(found.size()) + " label files");
  return found.empty() ? fs::path() : found.front();
}

/// The class number in a label file (CK+ writes it as 3.0000000e+00). Throws kBadFormat for what is no label.
std::size_t read_label(const fs::path& path) {
  std::ifstream file(path);
  double value = -1;
  file >> value;
  if (!file || !(value >= 0 && value < static_cast<double>(kLabels.size())) || value != std::floor(value))
    throw Error(ErrorCode::kBadFormat, path.string() + ": no label of 0…7");
  return static_cast<std::size_t>(value);
}

std::string number_of(const std::string& name) {
  const std::string stem = fs::path(name).stem().string();
  return stem.substr(stem.find_last_not_of("0123456789") + 1);
}

void add_labelled(PictureList& list, const fs::path& folder, const ManifestRow& pattern, const ListOptions& options) {
  const auto names = sorted_entries(folder, /*folders=*/false);
  if (names.size() < 2) {
    list.skipped.push_back(
        {folder.string(), names.empty() ? "a labelled sequence without a picture" : "a sequence of one frame has no neutral face"});
    return;
  }
  std::vector<SequenceFrame> frames;
  for (const std::string& name : names)
    frames.push_back({(folder / name).string(),
                      (fs::path("crops") / pattern.subject / pattern.sequence / name).replace_extension(".png").string(), number_of(name)});
  // The last frames are the peak; the first is the neutral face and never one of them.
  std::vector<std::size_t> chosen;
  const std::size_t wanted = static_cast<std::size_t>(options.peak_frames);
  for (std::size_t i = std::max<std::size_t>(1, frames.size() - std::min(frames.size(), wanted)); i < frames.size(); ++i)
    chosen.push_back(i);
  add_sequence(list, pattern, frames, chosen, options.with_neutral);
}

}  // namespace

PictureList list_ckplus(const std::string& root, const ListOptions& options) {
  if (!fs::is_directory(root)) throw Error(ErrorCode::kNotFound, root + ": no such folder");
  const fs::path images =
      folder_in(root, {"cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images", "CK+/cohn-kanade-images"});
  const fs::path labels = folder_in(root, {"Emotion", "Emotion_labels/Emotion", "Emotion_labels", "CK+/Emotion"});
  PictureList list;
  list.needs_folds = true;
  const auto subjects = sorted_entries(images, true);
  std::size_t sequences = 0, labelled = 0;
  for (const std::string& subject : subjects)
    for (const std::string& sequence : sorted_entries(images / subject, true)) {
      ++sequences;
      ManifestRow pattern;
      pattern.subject = subject, pattern.sequence = sequence;
      try {
        const fs::path label = label_file(labels / subject / sequence);
        if (label.empty()) continue;  // nearly half of CK+'s sequences carry no label: that is no gap
        pattern.label = kLabels[read_label(label)];
        if (pattern.label.empty()) continue;
        ++labelled;
        add_labelled(list, images / subject / sequence, pattern, options);
      } catch (const Error& fault) {
        list.skipped.push_back({(images / subject / sequence).string(), fault.what()});
      }
    }
  // A label whose pictures are missing is a gap in the copy.
  for (const std::string& subject : sorted_entries(labels, true))
    for (const std::string& sequence : sorted_entries(labels / subject, true))
      if (!fs::is_directory(images / subject / sequence) && !label_files(labels / subject / sequence).empty())
        list.skipped.push_back({(images / subject / sequence).string(), "labelled, but its folder is missing"});
  if (list.rows.empty()) throw Error(ErrorCode::kBadFormat, root + ": not one labelled sequence");
  // A copy whose labels were unpacked in part looks like a whole one.
  list.summary = std::to_string(subjects.size()) + " subjects, " + std::to_string(sequences) + " sequences, " + std::to_string(labelled) +
                 " of them labelled (CK+ has 123, 593 and 327)";
  return list;
}

}  // namespace fmpn::train
