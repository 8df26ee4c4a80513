#include <atomic>
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "parallel_align.h"
#include "picture_list.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

using test::expect_error;

class ImageFolder : public ::testing::Test {
 protected:
  void file(const std::string& name) { test::write_text(folder_.path() / name, "listed by name alone"); }
  std::vector<ManifestRow> list() { return list_folder(folder_.path().string(), {}).rows; }
  test::TemporaryFolder folder_;
};

TEST_F(ImageFolder, SplitsClassesAndSubjectsInOrder) {
  for (const char* name : {"valid/Sad/v.PNG", "train/happy/b.jpg", "train/happy/a.jpeg", "train/angry/S01/x.bmp", "train/angry/notes.txt",
                           "other/happy/o.png"})
    file(name);
  const auto rows = list();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].source, folder_.file("train/angry/S01/x.bmp"));
  EXPECT_EQ(rows[0].path, "crops/train/angry/S01/x.bmp.png");
  EXPECT_EQ(rows[0].label, "anger");
  EXPECT_EQ(rows[0].subject, "S01");
  EXPECT_EQ(rows[0].split, "train");
  EXPECT_EQ(rows[1].source, folder_.file("train/happy/a.jpeg"));
  EXPECT_EQ(rows[1].label, "happiness");
  EXPECT_EQ(rows[1].subject, "");
  EXPECT_EQ(rows[2].source, folder_.file("train/happy/b.jpg"));
  EXPECT_EQ(rows[3].source, folder_.file("valid/Sad/v.PNG"));
  EXPECT_EQ(rows[3].label, "sadness");
  EXPECT_EQ(rows[3].split, "valid");
}

TEST_F(ImageFolder, LinksAreFollowedButNotOutOfTheirClass) {
  file("elsewhere/S02/b.png"), file("set/happy/S01/a.png"), file("set/fear/c.png");
  const auto set = folder_.path() / "set", happy = set / "happy";
  const auto link = [&](const std::filesystem::path& to, const char* name) { std::filesystem::create_symlink(to, happy / name); };
  link(folder_.path() / "elsewhere" / "S02", "S02");
  link(happy, "itself"), link("..", "above"), link("../fear", "other"), link("S01", "A01"), link("gone.png", "gone.png");
  link("loop.png", "loop.png");
  std::filesystem::create_directory_symlink(folder_.path() / "elsewhere", set / "sad");
  file("set/happy/odd.gif"), file("set/happy/notes.txt"), file("set/happy/.hidden/d.png");
  const PictureList list = list_folder(set.string(), {});
  std::vector<std::string> taken;
  for (const ManifestRow& row : list.rows) taken.push_back(row.label + ' ' + row.subject + ' ' + row.source.substr(set.string().size()));
  EXPECT_EQ(taken, (std::vector<std::string>{"fear  /fear/c.png", "happiness S01 /happy/S01/a.png", "happiness S02 /happy/S02/b.png",
                                             "sadness S02 /sad/S02/b.png"}));
  std::map<std::string, std::string> skipped;
  for (const SkippedSource& s : list.skipped) skipped[std::filesystem::path(s.source).filename().string()] = s.reason;
  EXPECT_EQ(skipped, (std::map<std::string, std::string>{{"A01", "a link to a folder that is taken already"},
                                                         {"above", "a link that leads out of its class"},
                                                         {"gone.png", "a link that leads nowhere"},
                                                         {"itself", "a link that leads out of its class"},
                                                         {"loop.png", "a link that leads nowhere"},
                                                         {"odd.gif", "pictures of this kind are not read"},
                                                         {"other", "a link that leads out of its class"}}));
}

TEST_F(ImageFolder, OtherNamesOfTheSplits) {
  file("training/happy/a.png"), file("val/happy/b.png"), file("testing/happy/c.png");
  std::set<std::string> splits;
  for (const ManifestRow& row : list()) splits.insert(row.split + ' ' + row.path);
  EXPECT_EQ(splits, (std::set<std::string>{"train crops/training/happy/a.png.png", "valid crops/val/happy/b.png.png",
                                           "test crops/testing/happy/c.png.png"}));
  file("validation/happy/d.png");
  expect_error(ErrorCode::kBadFormat, {folder_.file("val"), folder_.file("validation"), "one split"}, [&] { list(); });
  std::filesystem::remove_all(folder_.path() / "validation");
  file("sad/e.png");
  expect_error(ErrorCode::kBadFormat, {folder_.file("sad"), "beside"}, [&] { list(); });
}

TEST_F(ImageFolder, WithoutSplits) {
  file("fear/a.png"), file("neutral/b.webp");
  const auto rows = list();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].split, "");
  EXPECT_EQ(rows[1].label, "neutral");
}

TEST_F(ImageFolder, FaultsNameTheFolder) {
  expect_error(ErrorCode::kNotFound, {folder_.file("none")}, [&] { list_folder(folder_.file("none"), {}); });
  expect_error(ErrorCode::kBadFormat, {folder_.path().string(), "no class folder"}, [&] { list(); });
  test::write_text(folder_.path() / "face.JPG", "told by its name");
  expect_error(ErrorCode::kBadFormat, {folder_.file("face.JPG"), "a single picture"}, [&] { list_folder(folder_.file("face.JPG"), {}); });
  file("happy/a.png");
  std::filesystem::create_directories(folder_.path() / "sad");
  expect_error(ErrorCode::kBadFormat, {folder_.file("sad"), "without a picture"}, [&] { list(); });
  file("sad/only.txt");
  expect_error(ErrorCode::kBadFormat, {folder_.file("sad"), "without a picture"}, [&] { list(); });
  file("sad/a.png"), file("smiling/a.png");
  expect_error(ErrorCode::kBadFormat, {folder_.file("smiling"), "no expression"}, [&] { list(); });
}

TEST_F(ImageFolder, TwoFoldersOfOneClass) {
  file("happy/a.png"), file("Happy/b.png"), file("sad/c.png");
  expect_error(ErrorCode::kBadFormat, {folder_.file("Happy"), folder_.file("happy"), "happiness"}, [&] { list(); });
}

TEST_F(ImageFolder, ATableWithWindowsLineEndsGapsAndNeutralFaces) {
  file("a.png"), file("b/c.png"), file("n.png");
  test::write_text(folder_.file("labels.csv"),
                   "\xef\xbb\xbfpath,label,subject,neutral,split\r\na.png,Happy,S1,n.png,train\r\nb/c.png,smiling,S1,,train\r\nb/"
                   "c.png,sad,S2,,Validation\r\nd.png,sad,S2,,valid\r\n");
  const PictureList list = list_folder(folder_.path().string(), {});
  ASSERT_EQ(list.rows.size(), 3U);
  EXPECT_EQ(list.rows[0].label, "happiness");
  EXPECT_EQ(list.rows[0].subject, "S1");
  EXPECT_EQ(list.rows[0].neutral, list.rows[2].path);
  EXPECT_EQ(list.rows[1].label, "sadness");
  EXPECT_EQ(list.rows[1].split, "valid");
  EXPECT_EQ(list.rows[1].source, folder_.file("b/c.png"));
  EXPECT_EQ(list.rows[2].label, "") << "a reference face";
  ASSERT_EQ(list.skipped.size(), 2U);
  EXPECT_NE(list.skipped[0].source.find(":3"), std::string::npos) << list.skipped[0].source;
  EXPECT_NE(list.skipped[1].reason.find("d.png"), std::string::npos) << list.skipped[1].reason;
  test::write_text(folder_.file("labels.csv"), "path,emotion\r\na.png,Happy\r\n");
  expect_error(ErrorCode::kBadFormat, {folder_.file("labels.csv"), "'label'"}, [&] { list_folder(folder_.path().string(), {}); });
  test::write_text(folder_.file("labels.csv"), "path,label\na.png,happy\na.png,sad\n");
  expect_error(ErrorCode::kBadFormat, {":3", "twice"}, [&] { list_folder(folder_.path().string(), {}); });
}

TEST(AlignInParallel, DoesEachOnceAndPassesTheFirstFaultOn) {
  if (!std::filesystem::exists(default_landmark_model())) GTEST_SKIP() << default_landmark_model() << " is not installed";
  std::vector<std::atomic<int>> done(50);
  align_in_parallel({}, done.size(), "count", [&](Aligner&, std::size_t i) { ++done[i]; });
  for (const auto& n : done) EXPECT_EQ(n, 1);
  expect_error(ErrorCode::kIo, {"disk full"}, [] {
    align_in_parallel({}, 50, "fail", [](Aligner&, std::size_t i) {
      if (i == 20) throw Error(ErrorCode::kIo, "disk full");
    });
  });
  AlignerOptions bad;
  bad.landmark_model = "/missing.dat";
  expect_error(ErrorCode::kNotFound, {"/missing.dat"}, [&] { align_in_parallel(bad, 1, "none", [](Aligner&, std::size_t) {}); });
}

}  // namespace
}  // namespace fmpn::train
