#include "image_folder.h"

#include <atomic>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

using test::expect_error;

class ImageFolder : public ::testing::Test {
 protected:
  void file(const std::string& name) { test::write_text(folder_.path() / name, "listed by name alone"); }
  std::vector<ManifestRow> list() { return list_image_folder(folder_.path().string()); }
  test::TemporaryFolder folder_;
};

TEST_F(ImageFolder, SplitsClassesAndSubjectsInOrder) {
  for (const char* name : {"valid/Sad/v.PNG", "train/happy/b.jpg", "train/happy/a.jpeg", "train/angry/S01/x.bmp", "train/angry/notes.txt", "other/happy/o.png"}) file(name);
  const auto rows = list();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].source, folder_.file("train/angry/S01/x.bmp"));
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

TEST_F(ImageFolder, WithoutSplits) {
  file("fear/a.png"), file("neutral/b.webp");
  const auto rows = list();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].split, "");
  EXPECT_EQ(rows[1].label, "neutral");
}

TEST_F(ImageFolder, FaultsNameTheFolder) {
  expect_error(ErrorCode::kNotFound, {folder_.file("none")}, [&] { list_image_folder(folder_.file("none")); });
  expect_error(ErrorCode::kBadFormat, {folder_.path().string(), "no class folder"}, [&] { list(); });
  file("happy/a.png");
  std::filesystem::create_directories(folder_.path() / "sad");
  expect_error(ErrorCode::kBadFormat, {folder_.file("sad"), "without a picture"}, [&] { list(); });
  file("sad/only.txt");
  expect_error(ErrorCode::kBadFormat, {folder_.file("sad"), "without a picture"}, [&] { list(); });
  file("sad/a.png"), file("smiling/a.png");
  expect_error(ErrorCode::kBadFormat, {folder_.file("smiling"), "no expression"}, [&] { list(); });
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
