// AffectNet: the older release (Manually_Annotated_Images/<n>/…, training.csv and validation.csv) and the newer one
// (train_set and val_set, images/<n>.jpg with annotations/<n>_exp.npy).

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmpn/error.h>

#include "csv.h"
#include "folds.h"
#include "picture_list.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

// 8, 9 and 10 are "none", "uncertain" and "no face".
constexpr std::array<const char*, 8> kLabels{"neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"};
constexpr long kLabelNumbers = 11;

fs::path first_existing(const fs::path& root, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (fs::exists(root / name)) return root / name;
  return {};
}

std::optional<Box> box_in(const CsvTable& table, std::size_t row) {
  std::array<float, 4> values{};
  const std::array<const char*, 4> columns{"face_x", "face_y", "face_width", "face_height"};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string text = table.get(row, columns[i]);
    char* end = nullptr;
    values[i] = std::strtof(text.c_str(), &end);
    if (text.empty() || *end != '\0') return std::nullopt;  // NULL: no face was marked
  }
  if (values[2] < 1 || values[3] < 1) return std::nullopt;
  return Box{values[0], values[1], values[2], values[3]};
}

void add_picture(PictureList& list, const fs::path& picture, const std::string& name, long number, const std::string& split,
                 std::optional<Box> face) {
  if (number < 0 || number >= kLabelNumbers)
    return list.skipped.push_back({picture.string(), "the expression " + std::to_string(number) + " is none of 0…10"});
  if (number >= static_cast<long>(kLabels.size())) return;  // no expression, by the data set's own word
  if (!fs::exists(picture)) return list.skipped.push_back({picture.string(), "listed, but missing"});
  ManifestRow row;
  row.label = kLabels[static_cast<std::size_t>(number)], row.split = split, row.source = picture.string();
  row.path = crop_path(split + '/' + name);
  list.rows.push_back(std::move(row));
  if (face) list.faces.emplace(list.rows.back().path, *face);
}

void add_table(PictureList& list, const fs::path& csv, const fs::path& images, const std::string& split) {
  // The validation list was given out without a heading.
  const CsvTable table(
      csv.string(), {"subDirectory_filePath", "expression"},
      {"subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression", "valence", "arousal"});
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::string name = table.get(i, "subDirectory_filePath");
    add_picture(list, images / name, name, table.whole_number(i, "expression"), split, box_in(table, i));
  }
}

/// The number in NumPy file of one value: text (<U1, |S1) or a whole number. Throws kBadFormat.
long read_scalar_npy(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto bad = [&]() { return Error(ErrorCode::kBadFormat, path.string() + ": not a NumPy file of one label"); };
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0) throw bad();
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t start = bytes[6] == 1 ? 10 : 12,
                    length = bytes[6] == 1 ? byte(8) + 256 * byte(9) : byte(8) + 256 * byte(9) + 65536 * byte(10) + 16777216 * byte(11);
  if (start > bytes.size() || length > bytes.size() - start) throw bad();
  const std::string header = bytes.substr(start, length), data = bytes.substr(start + length);
  const std::size_t at = header.find("'descr': '");
  if (at == std::string::npos || at + 12 >= header.size() || data.empty() || data.size() > 64) throw bad();
  const char kind = header[at + 11];  // after the byte order
  if (kind == 'U' || kind == 'S') {
    std::string text;
    std::copy_if(data.begin(), data.end(), std::back_inserter(text), [](char c) { return c != '\0'; });
    if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); }))
      throw bad();
    return std::stol(text);
  }
  if ((kind != 'i' && kind != 'u') || data.size() > 8) throw bad();
  // Little-endian, and every label fits the lowest byte.
  if (std::any_of(data.begin() + 1, data.end(), [](char c) { return c != '\0'; })) throw bad();
  return static_cast<unsigned char>(data[0]);
}

void add_numbered(PictureList& list, const fs::path& folder, const std::string& split) {
  std::vector<std::string> names;
  if (!fs::is_directory(folder / "images")) throw Error(ErrorCode::kNotFound, (folder / "images").string() + ": no such folder");
  for (const auto& entry : fs::directory_iterator(folder / "images"))
    if (is_picture(entry.path().string())) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end(), natural_less);
  for (const std::string& name : names) {
    const fs::path picture = folder / "images" / name, label = folder / "annotations" / (fs::path(name).stem().string() + "_exp.npy");
    try {
      if (!fs::exists(label)) throw Error(ErrorCode::kNotFound, label.string() + ": no such label");
      add_picture(list, picture, name, read_scalar_npy(label), split, std::nullopt);
    } catch (const Error& fault) {
      list.skipped.push_back({picture.string(), fault.what()});
    }
  }
}

}  // namespace

PictureList list_affectnet(const std::string& root, const ListOptions&) {
  if (!fs::is_directory(root)) throw Error(ErrorCode::kNotFound, root + ": no such folder");
  PictureList list;
  list.keeps_faceless = true;  // both releases hold faces only
  if (fs::is_directory(fs::path(root) / "train_set")) {
    add_numbered(list, fs::path(root) / "train_set", "train");
    if (fs::is_directory(fs::path(root) / "val_set")) add_numbered(list, fs::path(root) / "val_set", "valid");
  } else {
    const std::string lists = "Manually_Annotated_file_lists/", both = "Manually_Annotated/";
    const fs::path training =
        first_existing(root, {"training.csv", lists + "training.csv", both + "training.csv", both + lists + "training.csv"});
    if (training.empty())
      throw Error(ErrorCode::kNotFound,
                  root + ": neither training.csv (the older release of AffectNet) nor train_set (the newer one) is in it");
    const fs::path images = first_existing(root, {"Manually_Annotated_Images", both + "Manually_Annotated_Images", "Manually_Annotated"});
    if (images.empty()) throw Error(ErrorCode::kNotFound, root + ": no folder 'Manually_Annotated_Images' in it");
    add_table(list, training, images, "train");
    if (const fs::path validation = training.parent_path() / "validation.csv"; fs::exists(validation))
      add_table(list, validation, images, "valid");
  }
  if (list.rows.empty())
    throw Error(ErrorCode::kBadFormat,
                root + ": not one picture with an expression" +
                    (list.skipped.empty() ? "" : " (" + list.skipped.front().source + ": " + list.skipped.front().reason + ")"));
  return list;
}

}  // namespace fmpn::train
