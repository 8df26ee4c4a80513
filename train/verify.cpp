// fmpn-train verify: what is wrong with a prepared data set, before hours go into training on it.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>
#include <fmpn/image_view.h>

#include "commands.h"
#include "files/json_text.h"
#include "folds.h"
#include "joined.h"
#include "manifest.h"
#include "pixel_key.h"
#include "progress.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

/// `faults` would make a result wrong; `notes` are worth knowing.
struct Findings {
  std::vector<std::string> faults, notes;
};

using Counts = std::map<std::string, std::map<std::string, long>>;  // class → fold or split → pictures

/// Unreadable and missing crops, crops of another size, pictures that stand there twice.
void check_pictures(const std::string& folder, const std::vector<ManifestRow>& rows, Findings& found) {
  std::map<std::uint64_t, std::vector<const ManifestRow*>> by_pixels;
  std::map<std::string, long> sizes;
  Progress progress("verify", static_cast<long>(rows.size()));
  long done = 0;
  for (const ManifestRow& row : rows) {
    try {
      const Image crop = read_image((fs::path(folder) / row.path).string());
      ++sizes[std::to_string(crop.width) + "×" + std::to_string(crop.height)];
      by_pixels[pixel_key(crop)].push_back(&row);
    } catch (const Error& fault) {
      found.faults.emplace_back(fault.what());
    }
    progress.update(++done);
  }
  if (sizes.size() > 1) {
    std::set<std::string> names;
    for (const auto& [size, count] : sizes) names.insert(std::to_string(count) + " of " + size);
    found.faults.push_back("crops of more than one size: " + joined(names));
  }
  for (const auto& item : by_pixels) {
    std::set<std::string> paths, labels, folds;
    for (const ManifestRow* row : item.second) {
      paths.insert(row->path);
      if (!row->label.empty()) labels.insert(row->label), folds.insert(row->split + '/' + row->fold);
    }
    if (item.second.size() < 2) continue;
    // The same picture on both sides of a split, or under two labels, makes a figure wrong; twice in training only weighs.
    const bool wrong = labels.size() > 1 || folds.size() > 1;
    (wrong ? found.faults : found.notes)
        .push_back("the same picture: " + joined(paths) +
                   (labels.size() > 1  ? " (labels " + joined(labels) + ")"
                    : folds.size() > 1 ? " (in more than one fold or split)"
                                       : ""));
  }
}

/// Paths that stand there twice, neutral faces that are no row.
void check_names(const std::vector<ManifestRow>& rows, Findings& found) {
  std::set<std::string> paths;
  for (const ManifestRow& row : rows)
    if (!paths.insert(row.path).second) found.faults.push_back(row.path + ": stands in the manifest twice");
  for (const ManifestRow& row : rows)
    if (!row.neutral.empty() && paths.count(row.neutral) == 0)
      found.faults.push_back(row.path + ": its neutral face " + row.neutral + " is not in the manifest");
}

/// Who is, or what was filmed in one go, on both sides of a split or fold.
void check_sides(const std::vector<ManifestRow>& rows, Findings& found) {
  std::map<std::string, std::set<std::string>> folds, splits;
  long unknown = 0;
  for (const ManifestRow& row : rows) {
    if (row.label.empty()) continue;
    const bool apart = !row.fold.empty() || !row.split.empty();
    if (row.subject.empty() && apart) ++unknown;
    if (row.subject.empty() && row.sequence.empty()) continue;
    const std::string who = row.subject.empty() ? "sequence " + row.sequence : "subject " + row.subject;
    folds[who].insert(row.fold.empty() ? "none" : row.fold);
    splits[who].insert(row.split.empty() ? "none" : row.split);
  }
  for (const auto& [who, names] : folds)
    if (names.size() > 1) found.faults.push_back(who + " is in the folds " + joined(names));
  for (const auto& [who, names] : splits)
    if (names.size() > 1) found.faults.push_back(who + " is in the splits " + joined(names));
  if (unknown > 0)
    found.notes.push_back(std::to_string(unknown) + " pictures are of no known subject: the same person may be on both sides of a split");
}

/// Classes that a fold's or a split's training lacks are faults; those that its test lacks are notes.
void check_labels(const Counts& folds, const Counts& splits, const std::set<std::string>& fold_names,
                  const std::set<std::string>& split_names, Findings& found) {
  for (const auto& [label, counts] : folds)
    for (const std::string& fold : fold_names) {
      long total = 0;
      for (const auto& item : counts) total += item.second;
      const long within = counts.count(fold) != 0 ? counts.at(fold) : 0;
      if (within == total) found.faults.push_back("all pictures of " + label + " are in fold " + fold + ": nothing is left to train on");
      else if (within == 0) found.notes.push_back("fold " + fold + " has no picture of " + label);
    }
  for (const auto& [label, counts] : splits)
    for (const std::string& split : split_names)
      if (counts.count(split) == 0)
        (split == "train" ? found.faults : found.notes).push_back("the split " + split + " has no picture of " + label);
}

void print_table(const char* what, const Counts& counts, const std::set<std::string>& columns) {
  if (columns.empty()) return;
  std::vector<std::string> names(columns.begin(), columns.end());
  std::sort(names.begin(), names.end(), natural_less);
  std::printf("\n%-10s", what);
  for (const std::string& name : names) std::printf(" %7s", name.c_str());
  const bool sum = names != std::vector<std::string>{"all"};
  std::printf("%s\n", sum ? "     all" : "");
  std::map<std::string, long> sums;
  for (const auto& [label, by_column] : counts) {
    long total = 0;
    std::printf("%-10s", label.c_str());
    for (const std::string& name : names) {
      const long n = by_column.count(name) != 0 ? by_column.at(name) : 0;
      std::printf(" %7ld", n);
      sums[name] += n, total += n;
    }
    if (sum) std::printf(" %7ld", total);
    std::printf("\n");
  }
  std::printf("%-10s", "all");
  long total = 0;
  for (const std::string& name : names) std::printf(" %7ld", sums[name]), total += sums[name];
  if (sum) std::printf(" %7ld", total);
  std::printf("\n");
}

void verify(const std::string& folder, bool as_json) {
  const auto rows = read_manifest(folder);
  Findings found;
  Counts folds, splits, all;
  std::set<std::string> fold_names, split_names, subjects;
  long labelled = 0, references = 0, unaligned = 0, without_neutral = 0;
  for (const ManifestRow& row : rows) {
    if (!row.subject.empty()) subjects.insert(row.subject);
    unaligned += row.aligned ? 0 : 1;
    if (row.label.empty()) {
      ++references;
      continue;
    }
    ++labelled, ++all[row.label]["all"];
    without_neutral += row.neutral.empty() ? 1 : 0;
    if (!row.fold.empty()) fold_names.insert(row.fold), ++folds[row.label][row.fold];
    if (!row.split.empty()) split_names.insert(row.split), ++splits[row.label][row.split];
  }
  if (labelled == 0) found.faults.push_back("no labelled picture");
  check_names(rows, found);
  check_pictures(folder, rows, found);
  check_sides(rows, found);
  check_labels(folds, splits, fold_names, split_names, found);
  if (references != 0 && without_neutral != 0) found.notes.push_back(std::to_string(without_neutral) + " pictures have no neutral face");
  try {
    fold_count(rows);
  } catch (const Error& fault) {
    found.faults.emplace_back(fault.what());
  }

  if (as_json) {
    std::cout << json_text({{"pictures", labelled},   {"references", references}, {"subjects", subjects.size()},
                            {"unaligned", unaligned}, {"classes", all},           {"folds", folds},
                            {"splits", splits},       {"faults", found.faults},   {"notes", found.notes}})
              << '\n';
  } else {
    std::printf("%ld labelled pictures, %ld neutral reference faces, %zu subjects, %ld without a found face\n", labelled, references,
                subjects.size(), unaligned);
    if (fold_names.empty() && split_names.empty()) print_table("class", all, {"all"});
    print_table("by fold", folds, fold_names);
    print_table("by split", splits, split_names);
    for (const std::string& note : found.notes) std::printf("note: %s\n", note.c_str());
    for (const std::string& fault : found.faults) std::printf("fault: %s\n", fault.c_str());
  }
  if (!found.faults.empty())
    throw Error(ErrorCode::kBadFormat,
                folder + ": " + std::to_string(found.faults.size()) + (found.faults.size() == 1 ? " fault" : " faults"));
}

}  // namespace

void add_verify(CLI::App& app) {
  auto* c = app.add_subcommand("verify", "Unreadable and duplicate crops, label gaps, subjects in two folds");
  auto folder = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  c->add_option("data", *folder, "Prepared data set")->required();
  c->add_flag("--json", *json, "As JSON");
  c->callback([folder, json] { verify(*folder, *json); });
}

}  // namespace fmpn::train
