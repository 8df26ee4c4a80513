#include "failed_pictures.h"

#include <algorithm>
#include <filesystem>

#include <fmpn/error.h>

#include "contact_sheet.h"
#include "csv.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPerSheet = 96, kMostSheets = 10;

std::string sheet_path(const std::string& folder, std::size_t n) {
  return (fs::path(folder) / (n == 0 ? "failed.png" : "failed-" + std::to_string(n + 1) + ".png")).string();
}

Tile tile_of(const PictureList& list, const FailedPicture& failed) {
  const std::string name = fs::path(failed.row->source).filename().string();
  try {
    return {tile_sized(list.read(*failed.row)), name, failed.reason};
  } catch (const Error&) {
    return {Image(), name, "not readable"};
  }
}

}  // namespace

void write_failures(const std::string& folder, const PictureList& list, const std::vector<FailedPicture>& failed) {
  const std::string table = (fs::path(folder) / "failed.csv").string();
  std::error_code ignored;
  fs::remove(table, ignored);
  for (std::size_t n = 0; n < kMostSheets; ++n) fs::remove(sheet_path(folder, n), ignored);
  const std::size_t count = failed.size() + list.skipped.size();
  if (count == 0) return;
  std::string text = "source,reason\n";
  for (const FailedPicture& f : failed) text += csv_quoted(f.row->source) + ',' + csv_quoted(f.reason) + '\n';
  for (const SkippedSource& s : list.skipped) text += csv_quoted(s.source) + ',' + csv_quoted(s.reason) + '\n';
  write_whole(table, text);
  for (std::size_t first = 0; first < std::min(count, kPerSheet * kMostSheets); first += kPerSheet) {
    const std::size_t end = std::min(first + kPerSheet, count);
    std::vector<Tile> tiles;
    for (std::size_t i = first; i < end; ++i) {
      if (i < failed.size()) {
        tiles.push_back(tile_of(list, failed[i]));
      } else {
        const SkippedSource& skipped = list.skipped[i - failed.size()];
        tiles.push_back({Image(), skipped.source, skipped.reason});
      }
    }
    const std::string title = "Pictures without a face, and what could not be used: " + std::to_string(first + 1) + "–" +
                              std::to_string(end) + " of " + std::to_string(count);
    write_image(sheet_path(folder, first / kPerSheet), contact_sheet(title, tiles, 8).view());
  }
}

}  // namespace fmpn::train
