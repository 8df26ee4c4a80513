#include "mask_people.h"

#include <filesystem>
#include <set>

#include <fmpn/error.h>

#include "csv.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

std::string list_in(const std::string& masks) { return (fs::path(masks) / "people.csv").string(); }

/// The part that two paths begin with, in whole names.
fs::path common_part(const fs::path& a, const fs::path& b) {
  fs::path common;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end() && *x == *y; ++x, ++y) common /= *x;
  return common;
}

/// The deepest folder that all their pictures are below.
fs::path folder_of(const std::vector<ManifestRow>& rows) {
  fs::path folder;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const fs::path own = fs::path(rows[i].source).lexically_normal().parent_path();
    folder = i == 0 ? own : common_part(folder, own);
  }
  return folder;
}

std::set<std::string> subjects_of(const std::vector<ManifestRow>& rows) {
  std::set<std::string> subjects;
  for (const ManifestRow& row : rows)
    if (!row.subject.empty()) subjects.insert(row.subject);
  return subjects;
}

}  // namespace

void write_people(const std::string& masks, const std::vector<ManifestRow>& rows) {
  const std::string below = folder_of(rows).string();
  std::string text = "subject,below\n";
  for (const std::string& subject : subjects_of(rows)) text += csv_quoted(subject) + ',' + csv_quoted(below) + '\n';
  write_whole(list_in(masks), text);
}

void borrow_people(const std::string& from, const std::string& masks) {
  if (fs::exists(list_in(from))) write_whole(list_in(masks), read_whole(list_in(from)));
  else fs::remove(list_in(masks));
}

void require_strangers(const std::string& masks, const std::vector<ManifestRow>& held_out) {
  if (!fs::exists(list_in(masks))) return;
  const CsvTable people(list_in(masks), {"subject", "below"});
  const fs::path here = folder_of(held_out);
  const std::set<std::string> strangers = subjects_of(held_out);
  for (std::size_t i = 0; i < people.size(); ++i) {
    const std::string subject = people.get(i, "subject");
    const fs::path there = people.get(i, "below"), common = common_part(here, there);
    if (common != here && common != there) continue;  // another data set
    if (strangers.count(subject) != 0)
      throw Error(ErrorCode::kBadSetting,
                  masks + ": these masks are made of the face of " + subject +
                      ", too, who is held out (`fmpn-train masks` makes them of the others; people.csv there lists them)");
  }
}

}  // namespace fmpn::train
