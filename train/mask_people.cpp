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

/// The deepest folder that all pictures of the data set are below, whatever part of them is asked for: one may be in ROOT/train and another
/// in ROOT/valid.
fs::path folder_of(const std::vector<ManifestRow>& manifest) {
  fs::path folder;
  bool first = true;
  for (const ManifestRow& row : manifest) {
    if (row.source.empty()) continue;
    const fs::path own = fs::path(row.source).lexically_normal().parent_path();
    folder = first ? own : common_part(folder, own);
    first = false;
  }
  return folder;
}

/// The same folder has one name, however it was typed.
fs::path real_path(const fs::path& folder) {
  std::error_code fault;
  const fs::path whole = fs::absolute(folder, fault).lexically_normal(), real = fs::weakly_canonical(folder, fault);
  return fault || !real.is_absolute() ? whole : real;
}

/// True where one of the folders is in the other: two preparations of one data set, or of a part of it.
bool are_of_one_set(const fs::path& a, const fs::path& b) {
  const auto within = [](const fs::path& one, const fs::path& other) {
    const fs::path common = common_part(one, other);
    return common == one || common == other;
  };
  // Manifests of older versions have paths as they were typed, which the same words name from another working folder too.
  return within(a, b) || within(real_path(a), real_path(b));
}

std::set<std::string> subjects_of(const std::vector<ManifestRow>& rows) {
  std::set<std::string> subjects;
  for (const ManifestRow& row : rows)
    if (!row.subject.empty()) subjects.insert(row.subject);
  return subjects;
}

}  // namespace

void write_people(const std::string& masks, const std::vector<ManifestRow>& rows, const std::vector<ManifestRow>& manifest) {
  const std::string below = folder_of(manifest).string();
  std::string text = "subject,below\n";
  for (const std::string& subject : subjects_of(rows)) text += csv_quoted(subject) + ',' + csv_quoted(below) + '\n';
  write_whole(list_in(masks), text);
}

void borrow_people(const std::string& from, const std::string& masks) {
  if (fs::exists(list_in(from))) write_whole(list_in(masks), read_whole(list_in(from)));
  else fs::remove(list_in(masks));
}

void require_strangers(const std::string& masks, const std::vector<ManifestRow>& held_out, const std::vector<ManifestRow>& manifest) {
  if (!fs::exists(list_in(masks))) return;
  const CsvTable people(list_in(masks), {"subject", "below"});
  const fs::path here = folder_of(manifest);
  const std::set<std::string> strangers = subjects_of(held_out);
  for (std::size_t i = 0; i < people.size(); ++i) {
    const std::string subject = people.get(i, "subject");
    if (!are_of_one_set(here, people.get(i, "below"))) continue;
    if (strangers.count(subject) != 0)
      throw Error(ErrorCode::kBadSetting,
                  masks + ": these masks are made of the face of " + subject +
                      ", too, who is held out (`fmpn-train masks` makes them of the others; people.csv there lists them)");
  }
}

}  // namespace fmpn::train
