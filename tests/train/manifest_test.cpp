#include "manifest.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

using test::expect_error;

class Manifest : public ::testing::Test {
 protected:
  std::vector<ManifestRow> read(const std::string& text) {
    test::write_text(folder_.file("manifest.csv"), text);
    return read_manifest(folder_.path().string());
  }
  void refused(const std::string& text, const std::vector<std::string>& parts) {
    auto all = parts;
    all.push_back(folder_.file("manifest.csv"));
    expect_error(ErrorCode::kBadFormat, all, [&] { read(text); });
  }
  test::TemporaryFolder folder_;
};

TEST_F(Manifest, RoundTripOfEveryColumnAndOfAwkwardNames) {
  const std::vector<ManifestRow> rows{
      {"crops/train/anger/0-a.png", "/data/S005/001/a.png", "anger", "S005", "001", "11", "4", "train", "crops/n.png", true},
      {"b,c.png", "a \"quoted\" name.jpg", "happiness", "", "", "", "", "valid", "", false},
      {"two\nlines.png", "dos\r\nline", "fear", "\"", ",", "\n", "\"\"", "test", ",\",", true},
      {" before.png", "after.png ", "anger", "\t", " a, b ", "", "", "", "", true},
      {"plain.png", "", "neutral", "", "", "", "", "", "", true}};
  write_manifest(folder_.path().string(), rows);
  const auto back = read_manifest(folder_.path().string());
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(back[i].path, rows[i].path);
    EXPECT_EQ(back[i].source, rows[i].source);
    EXPECT_EQ(back[i].label, rows[i].label);
    EXPECT_EQ(back[i].subject, rows[i].subject);
    EXPECT_EQ(back[i].sequence, rows[i].sequence);
    EXPECT_EQ(back[i].frame, rows[i].frame);
    EXPECT_EQ(back[i].fold, rows[i].fold);
    EXPECT_EQ(back[i].split, rows[i].split);
    EXPECT_EQ(back[i].neutral, rows[i].neutral);
    EXPECT_EQ(back[i].aligned, rows[i].aligned);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.file("manifest.csv.partial")));
}

TEST_F(Manifest, ColumnsInAnyOrderFurtherOnesAndWindowsLineEnds) {
  const auto rows = read("label,mine,path\r\nfear,7,a.png\r\n\r\nanger,,\"b, c.png\"\r\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].label, "fear");
  EXPECT_EQ(rows[0].path, "a.png");
  EXPECT_EQ(rows[1].label, "anger");
  EXPECT_EQ(rows[1].path, "b, c.png");
  EXPECT_EQ(rows[0].split, "");
  EXPECT_TRUE(rows[0].aligned);
  EXPECT_TRUE(read("path,label\n").empty());
}

TEST_F(Manifest, BlanksAroundAFieldAreNotItsOwn) {
  const auto rows = read("path, label ,split,subject,source\n"
                         " a b.png , fear,\ttrain, , \" kept \" \n"
                         "\"a, b\" , anger,valid,\"\",\" x\"y z \n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].path, "a b.png");
  EXPECT_EQ(rows[0].label, "fear");
  EXPECT_EQ(rows[0].split, "train");
  EXPECT_EQ(rows[0].subject, "");
  EXPECT_EQ(rows[0].source, " kept ");
  EXPECT_EQ(rows[1].path, "a, b");
  EXPECT_EQ(rows[1].label, "anger");
  EXPECT_EQ(rows[1].subject, "");
  EXPECT_EQ(rows[1].source, " xy z");
}

TEST_F(Manifest, BadLinesAreNamedByTheirNumber) {
  refused("path,label\na.png,fear\nb.png\n", {":3:", "1 fields", "2"});
  refused("path,label\na.png,fear,more\n", {":2:", "3 fields"});
  refused("path,label\n\"two\nlines\",fear\nb.png\n", {":4:"});
  refused("path,label\n\"never closed,fear\nb.png,fear\n", {":2:", "quote"});
}

TEST_F(Manifest, HeadingsThatLackAColumn) {
  refused("", {"path"});
  refused("a,b\n", {"path"});
  refused("path,split\n", {"label"});
}

TEST_F(Manifest, MissingAndUnwritable) {
  expect_error(ErrorCode::kNotFound, {folder_.file("manifest.csv")}, [&] { read_manifest(folder_.path().string()); });
  test::write_text(folder_.file("plain"), "a file");
  expect_error(ErrorCode::kIo, {folder_.file("plain")}, [&] { write_manifest(folder_.file("plain"), {}); });
}

}  // namespace
}  // namespace fmpn::train
