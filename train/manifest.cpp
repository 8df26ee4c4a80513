#include "manifest.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <fmpn/error.h>

#include "csv.h"
#include "files/json_text.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr std::array<const char*, 10> kColumns{"path", "source", "label",   "subject", "sequence",
                                               "frame", "fold",  "split",   "neutral", "aligned"};

std::string file_of(const std::string& folder) { return (fs::path(folder) / "manifest.csv").string(); }

}  // namespace

std::vector<ManifestRow> read_manifest(const std::string& folder) {
  const std::string path = file_of(folder);
  if (!std::filesystem::exists(path)) throw Error(ErrorCode::kNotFound, path + ": no such manifest (fmpn-train prepare makes one)");
  const CsvTable table(path, {"path", "label"});
  std::vector<ManifestRow> rows;
  for (std::size_t i = 0; i < table.size(); ++i)
    rows.push_back({table.get(i, "path"), table.get(i, "source"), table.get(i, "label"), table.get(i, "subject"), table.get(i, "sequence"),
                    table.get(i, "frame"), table.get(i, "fold"), table.get(i, "split"), table.get(i, "neutral"),
                    table.get(i, "aligned") != "0"});
  return rows;
}

std::string data_set_name(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return utf8_text((path.has_filename() ? path : path.parent_path()).filename().string());
}

std::vector<ManifestRow> select_rows(std::vector<ManifestRow> rows, const Selection& selection) {
  const std::string fold = std::to_string(selection.fold);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](const ManifestRow& r) {
                              if (r.label.empty() || (!selection.split.empty() && r.split != selection.split)) return true;
                              return selection.fold >= 0 && (r.fold.empty() || (r.fold == fold) != selection.within);
                            }),
             rows.end());
  return rows;
}

int fold_count(const std::vector<ManifestRow>& rows) {
  std::set<std::string> folds;
  for (const ManifestRow& row : rows)
    if (!row.label.empty() && !row.fold.empty()) folds.insert(row.fold);
  for (std::size_t k = 0; k < folds.size(); ++k)
    if (folds.count(std::to_string(k)) == 0)
      throw Error(ErrorCode::kBadFormat,
                  "the manifest has " + std::to_string(folds.size()) + " folds, but none with the number " + std::to_string(k));
  return static_cast<int>(folds.size());
}

void write_manifest(const std::string& folder, const std::vector<ManifestRow>& rows) {
  std::string text;
  for (std::size_t i = 0; i < kColumns.size(); ++i) text += (i == 0 ? "" : ",") + std::string(kColumns[i]);
  text += '\n';
  for (const ManifestRow& r : rows) {
    for (const std::string* field : {&r.path, &r.source, &r.label, &r.subject, &r.sequence, &r.frame, &r.fold, &r.split, &r.neutral})
      text += csv_quoted(*field) + ',';
    text += r.aligned ? "1\n" : "0\n";
  }
  write_whole(file_of(folder), text);
}

}  // namespace fmpn::train
