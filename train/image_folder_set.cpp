// Any data set: ROOT/<class>/…, ROOT/<class>/<subject>/…, either under ROOT/<train|valid|test>/ (or training, val, validation, testing), or
// a CSV of pictures.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "csv.h"
#include "folds.h"
#include "picture_list.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

bool is_within(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// The pictures of a class folder, in order, those of its subjects' folders among them. A subject's folder may be a link, as data sets
/// are put together from others.
class ClassFolder {
 public:
  ClassFolder(const fs::path& root, const fs::path& folder, std::string split)
      : root_(fs::canonical(root)), class_(fs::canonical(folder)), split_(std::move(split)) {
    walk(folder, class_);
  }

  std::vector<fs::path> pictures;
  std::vector<SkippedSource> skipped;

 private:
  void skip(const fs::path& path, const char* why) { skipped.push_back({path.string(), why, split_}); }

  void walk(const fs::path& folder, const fs::path& canonical) {
    taken_.insert(canonical);
    std::vector<fs::path> entries, links;
    for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& path : entries) {
      const std::string name = path.filename().string();
      std::error_code fault;
      const bool is_link = fs::is_symlink(path, fault), is_folder = fs::is_directory(path, fault);
      if (is_folder && name.front() == '.') continue;
      if (is_folder && is_link) links.push_back(path);
      else if (is_folder) walk(path, canonical / name);
      else if (is_picture(name) && fs::is_regular_file(path, fault)) pictures.push_back(path);
      else if (is_picture(name)) skip(path, is_link ? "a link that leads nowhere" : "no file");
      else if (is_other_picture(name)) skip(path, "pictures of this kind are not read");
    }
    // After what is here itself: of two names of one folder, the folder's own counts.
    for (const fs::path& path : links) {
      const fs::path target = fs::canonical(path);
      const bool leads_out = is_within(class_, target) || (is_within(target, root_) && !is_within(target, class_));
      if (leads_out) skip(path, "a link that leads out of its class");
      else if (taken_.count(target) != 0) skip(path, "a link to a folder that is taken already");
      else walk(path, target);
    }
  }

  fs::path root_, class_;
  std::string split_;
  std::set<fs::path> taken_;
};

void list_class(const fs::path& root, const fs::path& folder, const ManifestRow& pattern, PictureList& list) {
  ClassFolder found(root, folder, pattern.split);
  if (found.pictures.empty())
    throw Error(ErrorCode::kBadFormat,
                folder.string() + ": a class folder without a picture" +
                    (found.skipped.empty() ? "" : " (" + found.skipped.front().source + ": " + found.skipped.front().reason + ")"));
  std::sort(found.pictures.begin(), found.pictures.end());
  list.skipped.insert(list.skipped.end(), found.skipped.begin(), found.skipped.end());
  for (const fs::path& picture : found.pictures) {
    ManifestRow row = pattern;
    row.source = picture.string();
    row.path = crop_path(picture.lexically_relative(root));
    // class/subject/picture: the folder in between is the subject.
    const fs::path inner = picture.lexically_relative(folder).parent_path();
    if (!inner.empty()) row.subject = inner.begin()->string();
    list.rows.push_back(std::move(row));
  }
}

/// Those of `root`/`inner`, which is of `split`.
void list_classes(const fs::path& root, const std::string& inner, const std::string& split, PictureList& list) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root / inner))
    if (entry.is_directory() && entry.path().filename().string().front() != '.') folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  if (folders.empty()) throw Error(ErrorCode::kBadFormat, (root / inner).string() + ": no class folders in it");
  std::map<std::string, fs::path> folder_of;
  for (const fs::path& folder : folders) {
    const auto label = canonical_expression(folder.filename().string());
    if (!label)
      throw Error(ErrorCode::kBadFormat, folder.string() + ": '" + folder.filename().string() + "' is no expression that is known");
    if (const auto [other, fresh] = folder_of.emplace(*label, folder); !fresh)
      throw Error(ErrorCode::kBadFormat,
                  folder.string() + " and " + other->second.string() + " are two folders of one class, " + std::string(*label));
    ManifestRow pattern;
    pattern.label = *label, pattern.split = split;
    list_class(root, folder, pattern, list);
  }
}

const std::map<std::string, std::string>& split_names() {
  static const std::map<std::string, std::string> names{{"train", "train"}, {"training", "train"},   {"valid", "valid"},
                                                        {"val", "valid"},   {"validation", "valid"}, {"test", "test"},
                                                        {"testing", "test"}};
  return names;
}

/// A name of a table's: those of the three splits in any case, others as they are (`fit --train-split` takes any).
std::string split_named(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto known = split_names().find(lower);
  return known == split_names().end() ? name : known->second;
}

/// The splits that are folders of `root`, by their names there.
std::map<std::string, std::string> splits_in(const fs::path& root) {
  std::map<std::string, std::string> found, folder_of;
  for (const auto& [folder, split] : split_names()) {
    if (!fs::is_directory(root / folder)) continue;
    found[folder] = split;
    if (const auto [other, fresh] = folder_of.emplace(split, folder); !fresh)
      throw Error(ErrorCode::kBadFormat, (root / folder).string() + " and " + (root / other->second).string() + " are one split, " + split);
  }
  if (found.empty()) return found;
  for (const auto& entry : fs::directory_iterator(root))
    if (const std::string name = entry.path().filename().string(); entry.is_directory() && canonical_expression(name))
      throw Error(ErrorCode::kBadFormat, entry.path().string() + ": a class folder beside " + found.begin()->first +
                                             ", where class folders are in splits");
  return found;
}

PictureList list_table(const std::string& csv) {
  const CsvTable table(csv, {"path", "label"});
  const fs::path root = fs::path(csv).parent_path();
  PictureList list;
  list.keeps_faceless = true;
  std::set<std::string> listed;
  std::map<std::string, ManifestRow> references;  // neutral faces that are no row of their own
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::string path = table.get(i, "path");
    const auto label = canonical_expression(table.get(i, "label"));
    ManifestRow row;
    row.source = (root / path).string(), row.path = crop_path(path);
    row.subject = table.get(i, "subject"), row.sequence = table.get(i, "sequence"), row.frame = table.get(i, "frame");
    row.split = split_named(table.get(i, "split")), row.fold = table.get(i, "fold");
    const std::string neutral = table.get(i, "neutral");
    if (!neutral.empty()) row.neutral = crop_path(neutral);
    if (!label || !fs::exists(row.source)) {
      list.skipped.push_back(
          {table.place(i), !label ? "'" + table.get(i, "label") + "' is no expression that is known" : row.source + ": no such file",
           row.split});
      continue;
    }
    if (!listed.insert(row.path).second)
      throw Error(ErrorCode::kBadFormat, table.place(i) + ": the picture " + path + " stands there twice");
    row.label = *label;
    if (!neutral.empty()) {
      ManifestRow& reference = references[row.neutral];
      reference = row;
      reference.label.clear(), reference.neutral.clear(), reference.frame.clear();
      reference.source = (root / neutral).string(), reference.path = row.neutral;
    }
    list.rows.push_back(std::move(row));
  }
  for (auto& [path, row] : references)
    if (listed.count(path) == 0) list.rows.push_back(std::move(row));
  if (listed.empty())
    throw Error(ErrorCode::kBadFormat,
                csv + ": not one usable picture" +
                    (list.skipped.empty() ? "" : " (" + list.skipped.front().source + ": " + list.skipped.front().reason + ")"));
  return list;
}

}  // namespace

PictureList list_folder(const std::string& root, const ListOptions&) {
  if (fs::is_regular_file(root) && is_picture(root))
    throw Error(ErrorCode::kBadFormat, root + ": a single picture, where a folder of class folders or a CSV is wanted");
  if (fs::is_regular_file(root)) return list_table(root);
  if (!fs::is_directory(root)) throw Error(ErrorCode::kNotFound, root + ": no such folder");
  if (fs::is_regular_file(fs::path(root) / "labels.csv")) return list_table((fs::path(root) / "labels.csv").string());
  PictureList list;
  list.keeps_faceless = true;
  const auto splits = splits_in(root);
  for (const auto& [folder, split] : splits) list_classes(root, folder, split, list);
  if (splits.empty()) list_classes(root, "", "", list);
  return list;
}

}  // namespace fmpn::train
