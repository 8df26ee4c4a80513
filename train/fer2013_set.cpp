// FER2013: the challenge's CSV (pixels as text), or its pictures in class folders.

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>

#include <fmpn/error.h>

#include "csv.h"
#include "picture_list.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr std::array<const char*, 7> kLabels{"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"};

/// The square gray picture of blank-separated values 0…255. Throws kBadFormat.
Image picture_of(const std::string& text, const std::string& place) {
  Image image;
  image.format = PixelFormat::kGray8;
  const char *at = text.data(), *const end = at + text.size();
  while (at != end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    std::uint8_t value = 0;
    const auto [next, fault] = std::from_chars(at, end, value);
    if (fault != std::errc()) throw Error(ErrorCode::kBadFormat, place + ": a pixel that is no number of 0…255");
    image.pixels.push_back(value);
    at = next;
  }
  image.width = image.height = static_cast<int>(std::lround(std::sqrt(static_cast<double>(image.pixels.size()))));
  if (image.pixels.empty() || static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) != image.pixels.size())
    throw Error(ErrorCode::kBadFormat, place + ": " + std::to_string(image.pixels.size()) + " pixels are no square picture");
  return image;
}

std::string split_of(const std::string& usage, const std::string& place) {
  if (usage == "Training") return "train";
  if (usage == "PublicTest") return "valid";
  if (usage == "PrivateTest") return "test";
  if (usage.empty()) return "";
  throw Error(ErrorCode::kBadFormat, place + ": the Usage '" + usage + "' is none of Training, PublicTest, PrivateTest");
}

PictureList list_csv(const std::string& path) {
  const CsvTable table(path, {"emotion", "pixels"});
  PictureList list;
  list.keeps_faceless = true;
  const auto pictures = std::make_shared<std::map<std::string, Image>>();  // by source; 2.3 kB each
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::string place = table.place(i);
    try {
      const long number = table.whole_number(i, "emotion");
      if (number < 0 || number >= static_cast<long>(kLabels.size()))
        throw Error(ErrorCode::kBadFormat, place + ": the emotion " + std::to_string(number) + " is none of 0…6");
      ManifestRow row;
      row.label = kLabels[static_cast<std::size_t>(number)], row.split = split_of(table.get(i, "Usage"), place), row.source = place;
      row.path = (fs::path("crops") / (row.split.empty() ? "all" : row.split) / (place.substr(place.rfind(':') + 1) + ".png")).string();
      pictures->emplace(place, picture_of(table.get(i, "pixels"), place));
      list.rows.push_back(std::move(row));
    } catch (const Error& fault) {
      list.skipped.push_back({place, fault.what()});
    }
  }
  if (list.rows.empty()) throw Error(ErrorCode::kBadFormat, path + ": not one picture");
  list.read = [pictures](const ManifestRow& row) { return pictures->at(row.source); };
  return list;
}

}  // namespace

PictureList list_fer2013(const std::string& root, const ListOptions& options) {
  if (fs::is_regular_file(root)) return list_csv(root);
  for (const char* name : {"fer2013.csv", "icml_face_data.csv", "train.csv"})
    if (fs::is_regular_file(fs::path(root) / name)) return list_csv((fs::path(root) / name).string());
  return list_folder(root, options);
}

}  // namespace fmpn::train
