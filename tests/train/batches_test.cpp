#include "batches.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fmpn/image_view.h>

#include "manifest.h"

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {

constexpr int kSide = 20;
constexpr std::int64_t kMemory = 1'000'000;

class BatchesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.model.classes = {"happiness", "sadness"};
    options_.model.crop_size = kSide;
    options_.model.input_size = 16;
    options_.augmentation = "robust";
    options_.mixup = 0.2;
    std::vector<ManifestRow> rows;
    for (int i = 0; i < 11; ++i) {
      Image crop;
      crop.width = crop.height = kSide;
      for (int k = 0; k < kSide * kSide * 3; ++k) crop.pixels.push_back(static_cast<std::uint8_t>((k * (i + 3) * 7919) >> 5 & 0xff));
      ManifestRow row;
      row.path = std::to_string(i) + ".png";
      row.label = options_.model.classes[static_cast<std::size_t>(i % 2)];
      row.split = "train";
      write_image(folder_.file(row.path), crop.view());
      rows.push_back(row);
    }
    write_manifest(folder_.path().string(), rows);
    masks_ = torch::rand({2, 1, kSide, kSide});
  }
  DataSet load(std::int64_t cache, const std::string& split = "train") const {
    const std::string folder = folder_.path().string();
    return load_data_set(folder, read_manifest(folder), {split}, options_.model, cache);
  }

  /// Every number of an epoch's batches.
  std::vector<torch::Tensor> epoch(const DataSet& data, std::uint64_t seed, std::int64_t batch = 4, int side = 16) const {
    Batches batches(options_, data, masks_, torch::arange(data.size()).flip(0), batch, seed, true, side, torch::kCPU);
    std::vector<torch::Tensor> all;
    for (std::int64_t i = 0; i < batches.steps(); ++i) {
      const TrainingBatch made = batches.next();
      all.insert(all.end(), {made.images.rgb, made.images.mask, made.target});
    }
    return all;
  }
  static bool same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!torch::equal(a[i], b[i])) return false;
    return true;
  }

  test::TemporaryFolder folder_;
  FitOptions options_;
  torch::Tensor masks_;
};

TEST_F(BatchesTest, FromDiskTheyAreThoseFromMemory) {
  const DataSet memory = load(kMemory), disk = load(0);
  ASSERT_TRUE(memory.crops.defined());
  ASSERT_FALSE(disk.crops.defined());
  EXPECT_TRUE(torch::equal(memory.labels, disk.labels));
  EXPECT_EQ(memory.keys.size(), 11U);
  EXPECT_EQ(memory.keys, disk.keys);
  EXPECT_TRUE(torch::equal(disk.take(torch::arange(11)), memory.crops));
  const Image first = read_image(folder_.file("3.png"));
  EXPECT_EQ(memory.crops[3][2][5][7].item<int>(), first.pixels[(5 * kSide + 7) * 3 + 2]);
  EXPECT_TRUE(same(epoch(memory, 5), epoch(disk, 5)));
}

TEST_F(BatchesTest, TheSeedFixesThemAndNothingElseDoes) {
  const DataSet data = load(kMemory);
  const auto first = epoch(data, 5);
  torch::manual_seed(99);
  EXPECT_TRUE(same(first, epoch(data, 5)));
  const auto before = torch::rand({4});
  torch::manual_seed(99);
  EXPECT_TRUE(torch::equal(before, torch::rand({4}))) << "they draw from the generator that dropout draws from";
  EXPECT_FALSE(same(first, epoch(data, 6)));
  EXPECT_FALSE(torch::equal(first[0].narrow(0, 0, 4), first[3].narrow(0, 0, 4))) << "each batch has draws of its own";
}

TEST_F(BatchesTest, TheLastIsSmallerButNeverOnePicture) {
  const DataSet data = load(kMemory);
  const auto all = epoch(data, 1);
  ASSERT_EQ(all.size(), 9U);
  EXPECT_EQ(all[0].sizes(), (std::vector<int64_t>{4, 3, 16, 16}));
  EXPECT_EQ(all[1].sizes(), (std::vector<int64_t>{4, 1, 16, 16}));
  EXPECT_EQ(all[2].sizes(), (std::vector<int64_t>{4, 2}));
  EXPECT_EQ(all[6].size(0), 3);
  EXPECT_TRUE(torch::allclose(all[8].sum(1), torch::ones({3})));
  EXPECT_EQ(epoch(data, 1, 100).at(0).size(0), 11);
  const auto fives = epoch(data, 1, 5);
  ASSERT_EQ(fives.size(), 6U);
  EXPECT_EQ(fives[3].size(0), 6) << "the eleventh joins";
  torch::Tensor seen = torch::zeros({0});
  for (std::size_t i = 2; i < fives.size(); i += 3) seen = torch::cat({seen, fives[i].sum(1)});
  EXPECT_EQ(seen.size(0), 11);
}

TEST_F(BatchesTest, DuplicatesAreLeftOutWhereverTheyLie) {
  auto rows = read_manifest(folder_.path().string());
  const auto held = [&](const std::string& path, const Image& picture) {
    write_image(folder_.file(path), picture.view());
    ManifestRow row;
    row.path = path, row.label = "sadness", row.split = "valid";
    rows.push_back(row);
  };
  held("copy.png", read_image(folder_.file("4.png")));
  Image other = read_image(folder_.file("5.png"));
  other.pixels[7] ^= 1;  // one bit: not the same picture
  held("other.png", other);
  write_manifest(folder_.path().string(), rows);
  for (const std::int64_t cache : {kMemory, std::int64_t{0}}) {
    const DataSet data = load(cache);
    const DataSet rest = without_duplicates(data, load(cache, "valid"));
    ASSERT_EQ(rest.size(), 10);
    EXPECT_EQ(rest.file(4), folder_.file("5.png"));
    EXPECT_EQ(rest.labels[4].item<int>(), 1);
    EXPECT_TRUE(torch::equal(rest.targets[4], torch::tensor({0.0F, 1.0F})));
    EXPECT_TRUE(torch::equal(rest.take(torch::tensor({4})), data.take(torch::tensor({5}))));
    EXPECT_EQ(rest.crops.defined(), data.crops.defined());
  }
}

TEST_F(BatchesTest, AtASmallerSideTheyAreTheSamePicturesShrunk) {
  options_.augmentation = "none";
  const DataSet data = load(kMemory);
  const auto full = epoch(data, 1), half = epoch(data, 1, 4, 8);
  ASSERT_EQ(half[0].sizes(), (std::vector<int64_t>{4, 3, 8, 8}));
  ASSERT_EQ(half[1].sizes(), (std::vector<int64_t>{4, 1, 8, 8}));
  EXPECT_TRUE(half[0].is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(torch::allclose(half[0].mean(), full[0].mean(), 0, 0.01));
  EXPECT_TRUE(torch::equal(half[2], full[2]));
}

TEST_F(BatchesTest, APictureThatIsGoneOrChangedIsNamed) {
  const DataSet disk = load(0);
  const Image before = read_image(folder_.file("7.png"));
  Image changed = before;
  changed.pixels[100] ^= 1;
  write_image(folder_.file("7.png"), changed.view());
  test::expect_error(ErrorCode::kBadFormat, {folder_.file("7.png"), "has changed"}, [&] { epoch(disk, 1); });
  write_image(folder_.file("7.png"), before.view());
  epoch(disk, 1);
  std::filesystem::remove(folder_.file("7.png"));
  test::expect_error(ErrorCode::kNotFound, {folder_.file("7.png")}, [&] { epoch(disk, 1); });
  write_image(folder_.file("7.png"), Image{std::vector<std::uint8_t>(300), 10, 10}.view());
  test::expect_error(ErrorCode::kBadFormat, {folder_.file("7.png"), "10×10"}, [&] { epoch(disk, 1); });
  test::expect_error(ErrorCode::kBadFormat, {folder_.file("7.png")}, [&] { load(0); });
  test::expect_error(ErrorCode::kBadFormat, {folder_.file("7.png")}, [&] { load(kMemory); });
}

}  // namespace
}  // namespace fmpn::train
