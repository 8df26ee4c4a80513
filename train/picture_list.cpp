#include "picture_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "files/picture_suffixes.h"

namespace fmpn::train {

const std::map<std::string, std::function<PictureList(const std::string&, const ListOptions&)>>& picture_listers() {
  static const std::map<std::string, std::function<PictureList(const std::string&, const ListOptions&)>> listers{
      {"ckplus", list_ckplus}, {"mmi", list_mmi}, {"affectnet", list_affectnet}, {"fer2013", list_fer2013}, {"folder", list_folder}};
  return listers;
}

namespace {

template <typename Suffixes>
bool ends_as_one_of(const Suffixes& suffixes, const std::string& path) {
  const std::filesystem::path name = std::filesystem::path(path).filename();
  std::string suffix = name.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end() && name.string().front() != '.';
}

}  // namespace

bool is_picture(const std::string& path) { return ends_as_one_of(kPictureSuffixes, path); }

bool is_other_picture(const std::string& path) {
  constexpr std::array<std::string_view, 9> kSuffixes{".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".raw", ".dng", ".svg"};
  return ends_as_one_of(kSuffixes, path);
}

std::string crop_path(const std::filesystem::path& picture) {
  std::string path = "crops";
  for (const std::filesystem::path& part : picture.lexically_normal())
    path += '/' + (part == ".." ? std::string("up") : part == "/" ? std::string("root") : part.string());
  return path + ".png";
}

void add_sequence(PictureList& list, const ManifestRow& pattern, const std::vector<SequenceFrame>& frames,
                  const std::vector<std::size_t>& chosen, bool with_neutral) {
  const auto row_of = [&](const SequenceFrame& frame, const std::string& label, const std::string& neutral) {
    ManifestRow row = pattern;
    row.label = label, row.source = frame.source, row.path = frame.path, row.frame = frame.number, row.neutral = neutral;
    return row;
  };
  // A picture of "neutral" names itself as its neutral face: no motion.
  list.rows.push_back(row_of(frames.front(), with_neutral ? "neutral" : "", with_neutral ? frames.front().path : ""));
  for (const std::size_t i : chosen) list.rows.push_back(row_of(frames[i], pattern.label, frames.front().path));
}

}  // namespace fmpn::train
