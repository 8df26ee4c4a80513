#include "failed_pictures.h"

#include <fstream>

#include <gtest/gtest.h>

#include "contact_sheet.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

Image plain(int width, int height) {
  return {std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 100), width, height};
}

/// The most memory that this process has held since the last call, in megabytes.
long peak_megabytes() {
  long peak = 0;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> peak;
  std::ofstream("/proc/self/clear_refs") << 5;
  return peak / 1024;
}

TEST(FailedPictures, ATileIsNoLargerThanTheSheetShowsIt) {
  const auto size = [](const Image& image) { return std::pair(image.width, image.height); };
  EXPECT_EQ(size(tile_sized(plain(2200, 1100))), std::pair(220, 110));
  EXPECT_EQ(size(tile_sized(plain(300, 3000), 50)), std::pair(10, 100));
  EXPECT_EQ(size(tile_sized(plain(5000, 1))), std::pair(220, 1));
  EXPECT_EQ(size(tile_sized(plain(220, 40))), std::pair(220, 40)) << "as it is";
  const std::vector<Tile> whole{{plain(2200, 1100), "name", "note"}}, small{{tile_sized(plain(2200, 1100)), "name", "note"}};
  EXPECT_EQ(contact_sheet("title", small, 1).pixels, contact_sheet("title", whole, 1).pixels);
}

// A folder of a camera's pictures without faces.
TEST(FailedPictures, AreNotAllInMemoryAtATime) {
  const test::TemporaryFolder folder;
  PictureList list;
  list.read = [](const ManifestRow&) { return plain(2000, 2000); };
  ManifestRow row;
  row.source = "wall.png";
  const std::vector<FailedPicture> failed(100, {&row, "no face was found"});
  list.skipped = {{"other.gif", "not read"}};
  peak_megabytes();
  const long before = peak_megabytes();
  write_failures(folder.path().string(), list, failed);
  EXPECT_LT(peak_megabytes() - before, 300) << "all are 1,200 MB";
  for (const char* name : {"failed.csv", "failed.png", "failed-2.png"}) EXPECT_TRUE(std::filesystem::exists(folder.file(name))) << name;
  EXPECT_FALSE(std::filesystem::exists(folder.file("failed-3.png")));
  EXPECT_NE(test::read_text(folder.file("failed.csv")).find("other.gif,not read\n"), std::string::npos);
  write_failures(folder.path().string(), PictureList{}, {});
  for (const char* name : {"failed.csv", "failed.png", "failed-2.png"}) EXPECT_FALSE(std::filesystem::exists(folder.file(name))) << name;
}

}  // namespace
}  // namespace fmpn::train
