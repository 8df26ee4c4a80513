// fmpn-train prepare: a data set as its owners ship it → aligned crops and manifest.csv.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "commands.h"
#include "core/crop_version.h"
#include "failed_pictures.h"
#include "files/whole_file.h"
#include "folds.h"
#include "interrupt.h"
#include "parallel_align.h"
#include "picture_list.h"
#include "prepare_journal.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

using Outcome = PrepareJournal::Outcome;

struct Options {
  std::string kind, root, out;
  AlignerOptions aligner;
  ListOptions list;
  int folds = 0;  // 0: ten where the data set is published with folds
  std::string classes;  // comma-separated
  std::size_t per_class = 0;
  double valid_share = 0;
  std::uint64_t seed = 1;
};

std::set<std::string> wanted_classes(const std::string& names) {
  std::set<std::string> classes;
  std::stringstream text(names);
  for (std::string name; std::getline(text, name, ',');) {
    const auto known = canonical_expression(name);
    if (!known) throw Error(ErrorCode::kBadSetting, "--classes: '" + name + "' is no expression that is known");
    classes.emplace(*known);
  }
  return classes;
}

/// Folds as the data set needs them or as far as it allows them.
void give_folds(PictureList& list, int folds) {
  const auto labelled = [](const ManifestRow& r) { return !r.label.empty(); };
  if (folds > 0 || list.needs_folds) return assign_folds(list.rows, folds > 0 ? folds : 10);
  std::set<std::string> subjects;
  for (const ManifestRow& row : list.rows)
    if (labelled(row)) subjects.insert(row.subject);
  const bool has_own = std::any_of(list.rows.begin(), list.rows.end(), [](const ManifestRow& r) { return !r.fold.empty(); });
  const bool has_splits = std::any_of(list.rows.begin(), list.rows.end(), [](const ManifestRow& r) { return !r.split.empty(); });
  if (!has_own && !has_splits && subjects.count("") == 0 && subjects.size() >= 10) assign_folds(list.rows, 10);
}

/// A picture that is not wanted for itself; another row may name it as its neutral face.
void make_reference(ManifestRow& row) { row.label.clear(), row.neutral.clear(); }

/// Classes, number and split of what was asked for; reference faces that nothing names any more go.
void choose(PictureList& list, const Options& o) {
  auto& rows = list.rows;
  if (const auto classes = wanted_classes(o.classes); !classes.empty())
    for (ManifestRow& row : rows)
      if (classes.count(row.label) == 0) make_reference(row);
  // A share of what is drawn, as the paper has it, and not a number of each split: so all but the split test are one first.
  if (o.valid_share > 0)
    for (ManifestRow& row : rows)
      if (row.split != "test") row.split.clear();
  if (o.per_class > 0)
    for (const std::size_t i : beyond_per_class(rows, o.per_class, o.seed)) make_reference(rows[i]);
  if (o.valid_share > 0) split_at_random(rows, o.valid_share, o.seed);
  std::set<std::string> named;
  for (const ManifestRow& row : rows)
    if (!row.label.empty()) named.insert(row.neutral);
  const auto unwanted = [&](const ManifestRow& r) { return r.label.empty() && named.count(r.path) == 0; };
  rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  if (rows.empty()) throw Error(ErrorCode::kBadFormat, o.root + ": no picture of the classes that --classes names");
  std::set<std::string> paths;
  for (const ManifestRow& row : rows)
    if (!paths.insert(row.path).second)
      throw Error(ErrorCode::kBadFormat, row.source + ": another picture has the same name but for its folder or suffix");
}

/// Where the data set says that the row's face is; nullptr: it does not say.
const Box* face_of(const PictureList& list, const ManifestRow& row) {
  const auto face = list.faces.find(row.path);
  return face == list.faces.end() ? nullptr : &face->second;
}

std::string stamp_of(const PictureList& list, const ManifestRow& row) { return PrepareJournal::stamp_of(row.source, face_of(list, row)); }

void make_crop(Aligner& aligner, const PictureList& list, ManifestRow& row, const std::string& out, PrepareJournal& journal) {
  const std::string stamp = stamp_of(list, row);
  try {
    const Image picture = list.read(row);
    const StillCrop still = crop_still(aligner, picture.view(), face_of(list, row));
    row.aligned = still.aligned;
    if (!still.aligned && !list.keeps_faceless) return journal.add(row.path, stamp, Outcome::kFaceless, "no face was found");
    write_image((fs::path(out) / row.path).string(), still.crop.view());
    journal.add(row.path, stamp, still.aligned ? Outcome::kAligned : Outcome::kWhole,
                still.aligned ? "" : "no face was found; taken whole");
  } catch (const Error& fault) {
    if (fault.code() == ErrorCode::kIo) throw;
    // One broken picture does not spoil the others.
    const auto* before = journal.find(row.path, stamp);
    if (before == nullptr || before->outcome != Outcome::kUnreadable || before->reason != fault.what())
      journal.add(row.path, stamp, Outcome::kUnreadable, fault.what());
  }
}

/// Whether the crop is there to its end: of one that was written just before a machine lost its power there may be a part, or nothing.
bool is_whole(const fs::path& crop) {
  constexpr std::string_view kEnd{"IEND\xae\x42\x60\x82"};  // of every PNG
  std::ifstream file(crop, std::ios::binary);
  std::string end(kEnd.size(), '\0');
  return file.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end) &&
         file.read(end.data(), static_cast<std::streamsize>(end.size())) && end == kEnd;
}

/// Makes the crops that the journal does not know. What could not be read is tried again: not the picture's stamp alone says why, but the
/// right to read it or the disk as well. Throws where it was stopped.
void make_crops(PictureList& list, const Options& o, PrepareJournal& journal) {
  std::vector<std::size_t> open;
  std::set<fs::path> folders;
  for (std::size_t i = 0; i < list.rows.size(); ++i) {
    const ManifestRow& row = list.rows[i];
    const auto* entry = journal.find(row.path, stamp_of(list, row));
    const bool has_crop = entry != nullptr && (entry->outcome == Outcome::kAligned || entry->outcome == Outcome::kWhole);
    if (has_crop ? is_whole(fs::path(o.out) / row.path) : entry != nullptr && entry->outcome == Outcome::kFaceless) continue;
    open.push_back(i);
    folders.insert((fs::path(o.out) / row.path).parent_path());
  }
  if (open.size() < list.rows.size())
    std::fprintf(stderr, "%zu of %zu pictures are done already\n", list.rows.size() - open.size(), list.rows.size());
  for (const fs::path& folder : folders) make_folder(folder.string());
  if (!align_in_parallel(o.aligner, open.size(), "align",
                         [&](Aligner& aligner, std::size_t i) { make_crop(aligner, list, list.rows[open[i]], o.out, journal); }))
    throw Error(ErrorCode::kRuntime, "stopped; the same command goes on where it was");
}

/// Rows whose crop is there, in the list's order; `failed` gets what has none or is taken whole.
std::vector<ManifestRow> kept_rows(PictureList& list, const PrepareJournal& journal,
                                   std::vector<FailedPicture>& failed, std::size_t& unreadable, std::size_t& faceless) {
  std::vector<ManifestRow> kept;
  std::set<std::string> present;
  for (ManifestRow& row : list.rows) {
    const auto* entry = journal.find(row.path, stamp_of(list, row));
    if (entry == nullptr)
      throw Error(ErrorCode::kRuntime, row.source + ": has changed since its crop was made, just now; the same command makes it again");
    row.aligned = entry->outcome == Outcome::kAligned;
    if (!row.aligned) failed.push_back({&row, entry->reason});
    if (entry->outcome == Outcome::kUnreadable) {
      ++unreadable;
      std::fprintf(stderr, "skipped: %s\n", entry->reason.c_str());
    } else if (entry->outcome == Outcome::kFaceless) {
      ++faceless;
      std::fprintf(stderr, "skipped: %s: no face was found\n", row.source.c_str());
    } else {
      present.insert(row.path);
      kept.push_back(row);
    }
  }
  std::size_t without = 0;
  for (ManifestRow& row : kept)
    if (!row.neutral.empty() && present.count(row.neutral) == 0) row.neutral.clear(), ++without;
  if (without != 0)
    std::fprintf(stderr, "%zu pictures have lost their neutral face, which failed: they count in training, not in masks\n", without);
  return kept;
}

/// Why `kept` is no data set; empty: it is one. A fold may have lost all its pictures to faults. A data set's own folds are its affair, but
/// masks and cv need them all.
std::string fault_of(const Options& o, const PictureList& list, const std::vector<ManifestRow>& kept) {
  if (std::none_of(kept.begin(), kept.end(), [](const ManifestRow& r) { return !r.label.empty(); }))
    return o.root + ": not one picture could be used (" + o.out + "/failed.csv says why)";
  const auto gap_in = [](const std::vector<ManifestRow>& rows) -> std::string {
    try {
      fold_count(rows);
      return {};
    } catch (const Error& fault) {
      return fault.what();
    }
  };
  const std::string gap = gap_in(kept);
  if (gap.empty()) return {};
  if (gap_in(list.rows).empty()) return o.root + ": " + gap + ", since nothing of it could be used (--folds N makes fewer)";
  std::fprintf(stderr, "%s: %s, which masks and cv want (--folds N makes others)\n", o.root.c_str(), gap.c_str());
  return {};
}

/// The same root for every working folder, since the manifest names each picture's source. A link to a CSV is not followed: its pictures
/// are beside where it was looked for.
std::string whole_path(const std::string& root) {
  std::error_code fault;
  const fs::path path = fs::absolute(root, fault);
  const bool folder = fs::is_directory(path, fault);
  const fs::path whole = folder ? fs::canonical(path, fault) : fs::canonical(path.parent_path(), fault) / path.filename();
  return fault ? root : whole.string();
}

void prepare(const Options& o) {
  if (o.list.peak_frames < 1) throw Error(ErrorCode::kBadSetting, "--peak-frames must be at least 1");
  if (!(o.valid_share >= 0 && o.valid_share < 1)) throw Error(ErrorCode::kBadSetting, "--valid-share must be in [0, 1)");
  PictureList list = picture_listers().at(o.kind)(whole_path(o.root), o.list);
  choose(list, o);
  give_folds(list, o.folds);  // of what is left, so that each has pictures
  const AlignerOptions used = Aligner(o.aligner).options();  // settings are refused before anything is written
  make_folder(o.out);
  std::error_code same;
  const std::string model =
      fs::path(used.landmark_model).filename().string() + " of " + std::to_string(fs::file_size(used.landmark_model, same)) + " bytes";
  const std::string settings = "crops of version " + std::to_string(kCropVersion) + ", crop-size " + std::to_string(used.crop_size) +
                               ", landmark-model " + model + ", " + o.kind + " " + fs::weakly_canonical(o.root).string();
  stop_on_signals();
  {
    PrepareJournal journal(o.out, settings);
    make_crops(list, o, journal);
  }
  const PrepareJournal whole(o.out, settings);  // the outcome of every row, whichever run made it
  std::vector<FailedPicture> failed;
  std::size_t unreadable = 0, faceless = 0;
  const auto kept = kept_rows(list, whole, failed, unreadable, faceless);
  for (const SkippedSource& s : list.skipped) std::fprintf(stderr, "skipped: %s: %s\n", s.source.c_str(), s.reason.c_str());
  const std::string fault = fault_of(o, list, kept);
  if (fault.empty()) write_manifest(o.out, kept);  // before the pictures of what failed, which take long, and which nothing needs
  write_failures(o.out, list, failed);
  if (!fault.empty()) throw Error(ErrorCode::kBadFormat, fault);
  if (!list.summary.empty()) std::printf("%s\n", list.summary.c_str());
  const auto references = std::count_if(kept.begin(), kept.end(), [](const ManifestRow& r) { return r.label.empty(); });
  const auto untaken = std::count_if(kept.begin(), kept.end(), [](const ManifestRow& r) { return !r.aligned; });
  std::printf(
      "%zu crops in %s (%zd of them neutral reference faces), %zd without a found face (whole picture), %zu left out for want of a face, "
      "%zu unreadable, %zu other gaps\n",
      kept.size(), o.out.c_str(), references, untaken, faceless, unreadable, list.skipped.size());
  if (!failed.empty() || !list.skipped.empty()) std::printf("failed.csv and failed.png there show what failed\n");
}

}  // namespace

void add_prepare(CLI::App& app) {
  auto* command = app.add_subcommand("prepare", "Detect, align, write crops and manifest.csv; goes on where it was stopped");
  auto o = std::make_shared<Options>();
  std::vector<std::string> kinds;
  for (const auto& item : picture_listers()) kinds.push_back(item.first);
  command
      ->add_option("kind", o->kind,
                   "ckplus, mmi, affectnet, fer2013; folder: ROOT/<class>/…, ROOT/<class>/<subject>/…, ROOT/<train|valid|test>/…, or a CSV "
                   "with path and label")
      ->required()
      ->check(CLI::IsMember(kinds));
  command->add_option("root", o->root, "The data set's folder (or its CSV)")->required();
  command->add_option("-o,--output", o->out, "Folder for crops and manifest.csv")->required();
  command->add_option("--crop-size", o->aligner.crop_size, "Side of the aligned crop in pixels")->capture_default_str();
  command->add_option("--landmark-model", o->aligner.landmark_model, "dlib shape predictor, 68 or 5 points");
  command->add_option("--folds", o->folds, "Subject-independent folds (CK+ and MMI: 10)")->check(CLI::Range(2, 1000));
  command->add_option("--peak-frames", o->list.peak_frames, "Frames of a sequence at its peak")->capture_default_str();
  command->add_flag("--with-neutral", o->list.with_neutral, "A sequence's first frame is a picture of the class neutral");
  command->add_option("--table", o->list.table, "MMI: CSV of sequence, peak and label (ROOT/mmi.csv)");
  command->add_option("--classes", o->classes, "Only these, comma-separated");
  command->add_option("--per-class", o->per_class,
                      "At most so many pictures of each class and split, drawn at random; with --valid-share of each class, before the "
                      "split");
  command->add_option("--valid-share", o->valid_share,
                      "Split at random all but the split test: this share of the people, where they are known, or else of each class's "
                      "pictures is for validation");
  command->add_option("--seed", o->seed, "Of --per-class and --valid-share")->capture_default_str();
  command->callback([o] { prepare(*o); });
}

}  // namespace fmpn::train
