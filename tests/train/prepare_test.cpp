// fmpn-train prepare, masks and info.

#include <filesystem>

#include <fmpn/aligner.h>
#include <fmpn/model_info.h>
#include <fmpn/motion_mask.h>

#include "manifest.h"
#include "photograph.h"
#include "train_program.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

class Prepare : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    if (!fs::exists(test::photograph_path()) || !fs::exists(default_landmark_model())) GTEST_SKIP() << "no photograph or no landmark model installed";
  }
  void photograph(const std::string& name) {
    fs::create_directories(fs::path(file(name)).parent_path());
    fs::copy_file(test::photograph_path(), file(name));
  }
  void picture(const std::string& name, const Image& image) {
    fs::create_directories(fs::path(file(name)).parent_path());
    write_image(file(name), image.view());
  }
};

// The crops that are trained on are the crops that the elements see: one aligner, bit for bit.
TEST_F(Prepare, CropsAreTheAlignersBitForBit) {
  photograph("root/train/happy/hopper.jpg");
  photograph("root/valid/Happy/again.jpg");
  const Image photo = read_image(test::photograph_path());
  // The face alone, small: seen in the second look only.
  Aligner aligner({});
  const Box box = aligner.find(photo.view()).at(0).box;
  cv::Mat small;
  cv::resize(test::as_cv(photo)(cv::Rect(cvRound(box.x), cvRound(box.y), cvRound(box.width), cvRound(box.height))), small, {48, 48}, 0, 0, cv::INTER_AREA);
  const Image tight{{small.data, small.data + small.total() * 3}, small.cols, small.rows, PixelFormat::kRgb8};
  picture("root/valid/sad/tight.png", tight);
  const auto outcome = train({"prepare", "folder", file("root"), "-o", file("data")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto rows = read_manifest(file("data"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].label, "happiness");
  EXPECT_EQ(rows[0].split, "train");
  EXPECT_EQ(rows[1].split, "valid");
  EXPECT_EQ(rows[2].label, "sadness");
  EXPECT_EQ(rows[0].source, file("root/train/happy/hopper.jpg"));
  for (const ManifestRow& row : rows) {
    const auto faces = aligner.find_in_still(read_image(row.source).view());
    ASSERT_FALSE(faces.empty()) << row.source;
    EXPECT_TRUE(row.aligned);
    const Image crop = read_image((fs::path(file("data")) / row.path).string());
    EXPECT_EQ(crop.width, 44);
    EXPECT_EQ(crop.pixels, faces[0].crop.pixels) << row.path;
  }
}

TEST_F(Prepare, WithoutAFaceTheWholePictureIsTakenAndBrokenFilesAreNamed) {
  picture("root/happy/dot.png", noise(1, 1));
  picture("root/happy/wall.png", noise(90, 2));
  test::write_text(file("root/sad/broken.jpg"), "a text file in the place of a picture");
  photograph("root/sad/whole.jpg");
  const auto outcome = train({"prepare", "folder", file("root"), "-o", file("data"), "--crop-size", "40"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, file("root/sad/broken.jpg"))) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "not a readable picture")) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "3 crops")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "2 without a found face")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "1 unreadable")) << outcome.out;
  const auto rows = read_manifest(file("data"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[0].aligned);
  EXPECT_FALSE(rows[1].aligned);
  EXPECT_TRUE(rows[2].aligned);
  const Image wall = read_image((fs::path(file("data")) / rows[1].path).string());
  EXPECT_EQ(wall.pixels, whole_picture_crop(noise(90, 2).view(), 40).pixels);
}

TEST_F(Prepare, FaultsEndWithAStatusAndName) {
  const auto expect_fault = [&](const std::vector<std::string>& arguments, const std::string& part) {
    const auto outcome = train(arguments);
    EXPECT_NE(outcome.status, 0);
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  };
  expect_fault({"prepare", "folder", file("none"), "-o", file("data")}, file("none"));
  test::write_text(file("root/happy/broken.jpg"), "text");
  expect_fault({"prepare", "folder", file("root"), "-o", file("data")}, "not one picture");
  EXPECT_FALSE(fs::exists(file("data/manifest.csv")));
  picture("root/happy/good.png", noise(60, 3));
  expect_fault({"prepare", "folder", file("root"), "-o", file("root/happy/good.png") + "/data"}, "good.png");
  expect_fault({"prepare", "folder", file("root"), "-o", file("data"), "--crop-size", "3"}, "crop-size");
  expect_fault({"prepare", "folder", file("root"), "-o", file("data"), "--landmark-model", "/missing.dat"}, "/missing.dat");
}

using Masks = TrainProgram;

TEST_F(Masks, EquationOneOverThePairsOfEachClass) {
  for (int i = 0; i < 5; ++i) write_image(file(std::to_string(i) + ".png"), noise(16, static_cast<unsigned>(i)).view());
  const auto row = [](const char* path, const char* label, const char* split, const char* neutral) {
    return ManifestRow{path, "", label, "", "", "", "", split, neutral, true};
  };
  write_manifest(folder_.path().string(), {row("0.png", "anger", "train", "4.png"), row("1.png", "anger", "train", "4.png"), row("2.png", "anger", "test", "4.png"),
                                           row("3.png", "fear", "train", "4.png"), row("4.png", "neutral", "train", "4.png"), row("2.png", "sadness", "train", "")});
  const auto outcome = train({"masks", folder_.path().string(), "-o", file("masks"), "--split", "train"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  MotionMaskBuilder anger, fear;
  const Image neutral = noise(16, 4);
  anger.add(noise(16, 0).view(), neutral.view());
  anger.add(noise(16, 1).view(), neutral.view());
  fear.add(noise(16, 3).view(), neutral.view());
  const auto gray_of = [](const Image& rgb) {
    std::vector<std::uint8_t> values;
    for (std::size_t i = 0; i < rgb.pixels.size(); i += 3) values.push_back(rgb.pixels[i]);
    return values;
  };
  EXPECT_EQ(gray_of(read_image(file("masks/anger.png"))), anger.build().pixels);
  EXPECT_EQ(gray_of(read_image(file("masks/fear.png"))), fear.build().pixels);
  EXPECT_FALSE(fs::exists(file("masks/neutral.png")));
  EXPECT_FALSE(fs::exists(file("masks/sadness.png")));
}

TEST_F(Masks, BorrowedByName) {
  fs::create_directories(file("theirs"));
  for (const char* name : {"happy", "angry"}) write_image(file(std::string("theirs/") + name + ".png"), noise(8, 1).view());
  write_manifest(folder_.path().string(), {});
  const auto outcome = train({"masks", folder_.path().string(), "-o", file("masks"), "--from", file("theirs")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(file("masks/happiness.png")));
  EXPECT_TRUE(fs::exists(file("masks/anger.png")));
}

TEST_F(Masks, WithoutNeutralFacesThereIsNothingToMake) {
  write_manifest(folder_.path().string(), {{"0.png", "", "anger", "", "", "", "", "train", "", true}});
  const auto outcome = train({"masks", folder_.path().string(), "-o", file("masks")});
  EXPECT_NE(outcome.status, 0);
  EXPECT_TRUE(contains(outcome.err, "--from")) << outcome.err;
}

using Info = TrainProgram;

TEST_F(Info, SaysWhatTheModelFileSays) {
  const auto outcome = train({"info", model_, "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto out = nlohmann::json::parse(outcome.out);
  const ModelInfo info = read_model_info(model_);
  EXPECT_EQ(out["classes"].get<std::vector<std::string>>(), info.classes);
  EXPECT_EQ(out["name"], "tiny");
  EXPECT_EQ(out["input_size"], 48);
  EXPECT_EQ(out["crop_size"], 52);
  EXPECT_EQ(train({"info", file("none")}).status, 1);
  EXPECT_NE(train({"nonsense"}).status, 0);
  EXPECT_NE(train({}).status, 0);
}

}  // namespace
}  // namespace fmpn::train
