// fmpn-train masks: Eq. 1 per class (and fold) from a prepared data set whose manifest names neutral faces, or borrowed masks.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include <fmpn/error.h>
#include <fmpn/motion_mask.h>

#include "commands.h"
#include "contact_sheet.h"
#include "files/whole_file.h"
#include "manifest.h"
#include "mask_people.h"
#include "mask_set.h"
#include "mean_faces.h"
#include "progress.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string data, out, from, split, missing_mask = "none";
  bool contact_sheet = false, class_means = false;
};

using Masks = std::map<std::string, Image>;

/// By fold: "0", "1", …; "" for the set that is of no fold.
using MaskSets = std::map<std::string, Masks>;

/// Eq. 1 is over aligned faces: where no face was found the crop is the whole picture, and is in no mask. `rows`: the whole manifest.
std::vector<ManifestRow> with_faces(std::vector<ManifestRow> rows) {
  std::set<std::string> faceless;
  for (const ManifestRow& row : rows)
    if (!row.aligned) faceless.insert(row.path);
  long pairs = 0;
  for (ManifestRow& row : rows)
    if (row.aligned && faceless.count(row.neutral) != 0) row.neutral.clear(), ++pairs;
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const ManifestRow& r) { return !r.aligned; }), rows.end());
  if (!faceless.empty())
    std::printf("in no mask, for want of a found face: %zu pictures, and %ld more whose neutral face has none\n", faceless.size(), pairs);
  return rows;
}

/// Masks that stayed from other data would be trained with as if they were of this.
void refuse_others(const std::string& out, const MaskSets& sets) {
  if (!fs::is_directory(out)) return;
  const auto check = [&](const fs::path& folder, const std::string& set) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string stem = entry.path().stem().string();
      const auto ours = sets.find(set);
      if (entry.path().extension() == ".png" && stem != "contact-sheet" && (ours == sets.end() || ours->second.count(stem) == 0))
        throw Error(ErrorCode::kBadSetting, entry.path().string() + ": a mask that is not of this data; another folder, or take it away");
    }
  };
  check(out, "");
  for (const auto& entry : fs::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name.find_first_not_of("0123456789") == std::string::npos) check(entry.path(), name);
  }
}

void write_masks(const std::string& out, const MaskSets& sets) {
  refuse_others(out, sets);
  for (const auto& [fold, masks] : sets) {
    const fs::path folder = fs::path(out) / fold;
    make_folder(folder.string());
    for (const auto& [name, mask] : masks) write_image((folder / (name + ".png")).string(), mask.view());
  }
}

/// One row of tiles: a set's masks.
void add_tiles(std::vector<Tile>& tiles, const Masks& masks, const std::set<std::string>& classes, const std::string& note) {
  for (const std::string& name : classes) {
    const auto found = masks.find(name);
    tiles.push_back({found == masks.end() ? Image{} : found->second, name, found == masks.end() ? "no mask" : note});
  }
}

void tell_lacking(const std::set<std::string>& classes, const std::string& what) {
  for (const std::string& name : classes)
    std::fprintf(stderr, "%s: nothing to make a mask of %s from, so that it has none\n", what.c_str(), name.c_str());
}

/// The masks that `rows` give; one of `classes` without a pair gets none, and is told.
Masks masks_of(const std::string& folder, const std::vector<ManifestRow>& rows, std::set<std::string> classes, const std::string& what) {
  std::map<std::string, MotionMaskBuilder> builders;
  Progress progress(what, static_cast<long>(rows.size()));
  long done = 0;
  for (const ManifestRow& row : rows) {
    if (!row.neutral.empty() && row.neutral != row.path)
      builders[row.label].add(read_image((fs::path(folder) / row.path).string()).view(),
                              read_image((fs::path(folder) / row.neutral).string()).view());
    progress.update(++done);
  }
  if (builders.empty())
    throw Error(ErrorCode::kBadFormat, folder + ": no row of the manifest (" + what + ") names a neutral face; --split takes " +
                                           "another split, --class-means does without pairs, --from DIR borrows another data set's masks");
  Masks masks;
  std::printf("%s:", what.c_str());
  for (const auto& [name, builder] : builders) {
    masks[name] = builder.build();
    std::printf(" %s %d pairs;", name.c_str(), builder.pairs());
    classes.erase(name);
  }
  std::printf("\n");
  tell_lacking(classes, what);
  return masks;
}

/// Without pairs: |mean of the class − mean of the neutral faces|.
Masks masks_of_means(const std::string& folder, const std::vector<ManifestRow>& rows, std::set<std::string> classes,
                     const std::string& what) {
  const auto means = mean_faces(folder, rows, what);
  const auto neutral = means.find("neutral");
  if (neutral == means.end())
    throw Error(ErrorCode::kBadFormat, folder + ": " + what + " has no picture of the class neutral, which --class-means needs");
  Masks masks;
  std::printf("%s:", what.c_str());
  for (const auto& [name, mean] : means) {
    MotionMaskBuilder builder;
    builder.add(mean.face.view(), neutral->second.face.view());
    masks[name] = builder.build();
    std::printf(" %s %d pictures;", name.c_str(), mean.pictures);
    classes.erase(name);
  }
  std::printf("\n");
  tell_lacking(classes, what);
  return masks;
}

void write_sheet(const Options& o, const std::string& title, const std::vector<Tile>& tiles, std::size_t columns) {
  if (!o.contact_sheet || tiles.empty()) return;
  const std::string path = (fs::path(o.out) / "contact-sheet.png").string();
  write_image(path, contact_sheet(title, tiles, static_cast<int>(columns)).view());
  std::printf("wrote %s\n", path.c_str());
}

std::set<std::string> labels_of(const std::vector<ManifestRow>& rows) {
  std::set<std::string> labels;
  for (const ManifestRow& row : rows) labels.insert(row.label);
  return labels;
}

/// A class of the data set that the borrowed masks lack: an error, or the mask that --missing-mask says.
Masks borrowed(const std::string& from, const std::set<std::string>& classes, const std::string& missing_mask) {
  Masks masks = read_masks(from);
  std::vector<std::string> lacking;
  for (const std::string& name : classes)
    if (masks.count(name) == 0) lacking.push_back(name);
  if (lacking.empty()) return masks;
  const int side = masks.begin()->second.width;
  std::vector<float> values;
  try {
    values = masks_for(masks, lacking, side, missing_mask);
  } catch (const Error& fault) {
    throw Error(fault.code(), from + ": " + fault.what());
  }
  const std::size_t area = values.size() / lacking.size();
  for (std::size_t i = 0; i < lacking.size(); ++i) {
    Image mask{{}, side, side, PixelFormat::kGray8};
    std::transform(values.begin() + static_cast<std::ptrdiff_t>(i * area), values.begin() + static_cast<std::ptrdiff_t>((i + 1) * area),
                   std::back_inserter(mask.pixels), [](float v) { return static_cast<std::uint8_t>(v * 255 + 0.5F); });
    masks[lacking[i]] = std::move(mask);
  }
  return masks;
}

void borrow_masks(const Options& o, const std::vector<ManifestRow>& rows) {
  const auto classes = labels_of(rows);
  std::vector<Tile> tiles;
  std::set<std::string> shown = classes;
  std::vector<std::string> folds;
  if (!fs::is_directory(o.from)) throw Error(ErrorCode::kNotFound, o.from + ": no such folder of masks");
  for (int k = 0; fs::is_directory(fs::path(o.from) / std::to_string(k)); ++k) folds.push_back(std::to_string(k));
  if (const int there = fold_count(rows); !folds.empty() && there > 0 && there != static_cast<int>(folds.size()))
    throw Error(ErrorCode::kBadFormat, o.from + ": it has " + std::to_string(folds.size()) + " sets of masks, " + o.data + " has " +
                                           std::to_string(there) + " folds (--from " + o.from + "/0 gives all folds the first set)");
  if (folds.empty()) folds.emplace_back();  // one set for all
  MaskSets sets;
  for (const std::string& fold : folds) {
    const Masks masks = borrowed((fs::path(o.from) / fold).string(), classes, o.missing_mask);
    if (shown.empty())
      for (const auto& item : masks) shown.insert(item.first);
    add_tiles(tiles, masks, shown, fold.empty() ? "borrowed" : "set " + fold);
    sets[fold] = masks;
  }
  write_masks(o.out, sets);
  for (const std::string& fold : folds) borrow_people((fs::path(o.from) / fold).string(), (fs::path(o.out) / fold).string());
  std::printf("borrowed masks of %s in %s\n", o.from.c_str(), o.out.c_str());
  write_sheet(o, "Borrowed masks", tiles, shown.size());
}

/// Masks must know nothing of what a model is tested on: each fold's are made without its test subjects, and those of no fold from the
/// split train, where there is one.
void make_masks(const Options& o) {
  const auto manifest = read_manifest(o.data);
  const auto chosen = select_rows(manifest, {o.split});
  const auto classes = labels_of(chosen);
  make_folder(o.out);
  if (!o.from.empty()) return borrow_masks(o, chosen);
  const auto rows = select_rows(with_faces(manifest), {o.split});
  const auto make = o.class_means ? masks_of_means : masks_of;
  std::vector<Tile> tiles;
  MaskSets sets;
  std::map<std::string, std::vector<ManifestRow>> rows_of;
  const auto add = [&](const std::string& set, const std::vector<ManifestRow>& of, const std::string& what, const std::string& note) {
    const Masks masks = make(o.data, of, classes, what);
    add_tiles(tiles, masks, classes, note);
    sets[set] = masks, rows_of[set] = of;
  };
  const int folds = fold_count(chosen);  // also of one in which no face was found
  for (int k = 0; k < folds; ++k)
    add(std::to_string(k), select_rows(rows, {"", k, false}), "fold " + std::to_string(k), "without fold " + std::to_string(k));
  const bool has_train =
      o.split.empty() && std::any_of(chosen.begin(), chosen.end(), [](const ManifestRow& r) { return r.split == "train"; });
  if (has_train) add("", select_rows(rows, {"train"}), "train", folds > 0 ? "split train" : "");
  else if (folds == 0) add("", rows, o.split.empty() ? "all" : o.split, "");
  write_masks(o.out, sets);
  for (const auto& [set, of] : rows_of) write_people((fs::path(o.out) / set).string(), of, manifest);
  write_sheet(o, o.class_means ? "Motion masks (class means)" : "Motion masks (Eq. 1)", tiles, classes.size());
}

}  // namespace

void add_masks(CLI::App& app) {
  auto* command = app.add_subcommand(
      "masks",
      "Ground-truth motion masks (Eq. 1) per class: DIR/<class>.png, or DIR/<fold>/<class>.png from each fold's training subjects");
  auto o = std::make_shared<Options>();
  command->add_option("data", o->data, "Prepared data set")->required();
  command->add_option("-o,--output", o->out, "Folder of masks")->required();
  auto* from = command->add_option("--from", o->from, "Borrow: folder of another data set's masks, mapped by class name");
  command->add_flag("--class-means", o->class_means, "Without neutral/expressive pairs: |mean of the class - mean of the class neutral|")
      ->excludes(from);
  command->add_option("--missing-mask", o->missing_mask, "With --from, for a class that it lacks")
      ->check(CLI::IsMember({"none", "zero", "mean"}))
      ->capture_default_str();
  command->add_option("--split", o->split, "Only rows of this split; without folds train, where the data has it");
  command->add_flag("--contact-sheet", o->contact_sheet, "All masks in one picture, DIR/contact-sheet.png");
  command->callback([o] { make_masks(*o); });
}

}  // namespace fmpn::train
