// fmpn-train prepare, masks and info.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include <fmpn/aligner.h>
#include <fmpn/model_info.h>
#include <fmpn/motion_mask.h>

#include "core/crop_version.h"
#include "manifest.h"
#include "mask_set.h"
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
    if (!fs::exists(test::photograph_path()) || !fs::exists(default_landmark_model()))
      GTEST_SKIP() << "no photograph or no landmark model installed";
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

// The crops that are trained on are the crops that the elements see: one aligner, bit for bit. Where a change of the aligner gives a
// picture another crop, kCropVersion (core/crop_version.h) is to be raised: what was prepared before must not be mixed with new crops.
TEST_F(Prepare, CropsAreTheAlignersBitForBit) {
  photograph("root/train/happy/hopper.jpg");
  photograph("root/valid/Happy/again.jpg");
  const Image photo = read_image(test::photograph_path());
  // The face alone, small: seen in the second look only.
  Aligner aligner({});
  const Box box = aligner.find(photo.view()).at(0).box;
  cv::Mat small;
  cv::resize(test::as_cv(photo)(cv::Rect(cvRound(box.x), cvRound(box.y), cvRound(box.width), cvRound(box.height))), small, {48, 48}, 0, 0,
             cv::INTER_AREA);
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

TEST_F(Prepare, CropsOfTwoVersionsAreNotMixed) {
  picture("root/happy/a.png", noise(50, 1));
  const std::vector<std::string> arguments{"prepare", "folder", file("root"), "-o", file("data")};
  ASSERT_EQ(train(arguments).status, 0);
  const std::string journal = test::read_text(file("data/prepare.journal"));
  const std::string version = "crops of version " + std::to_string(kCropVersion) + ", ";
  ASSERT_EQ(journal.rfind(version, 0), 0U) << journal;
  test::write_text(file("data/prepare.journal"), "crops of version 0, " + journal.substr(version.size()));
  const auto older = train(arguments);
  EXPECT_EQ(older.status, 1);
  EXPECT_TRUE(contains(older.err, "crops of version 0, ") && contains(older.err, "now " + version) && contains(older.err, "another folder"))
      << older.err;
  // Of before versions were written down.
  test::write_text(file("data/prepare.journal"), journal.substr(version.size()));
  const auto unnamed = train(arguments);
  EXPECT_EQ(unnamed.status, kCropVersion == 1 ? 0 : 1) << unnamed.err;
}

TEST_F(Prepare, TheManifestNamesSourcesByTheirWholePath) {
  picture("root/happy/a.png", noise(50, 1));
  for (const char* root : {"root", "./root/../root"}) {
    std::vector<std::string> there{"/bin/bash", "-c", "cd \"$0\" && exec \"$@\"", folder_.path().string()};
    for (const std::string& word : command({"prepare", "folder", root, "-o", "data"})) there.push_back(word);
    const auto outcome = test::run_program(there);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(read_manifest(file("data")).at(0).source, fs::canonical(file("root/happy/a.png")).string()) << root;
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

TEST_F(Prepare, TheManifestDoesNotWaitForThePicturesOfWhatFailed) {
  picture("root/happy/wall.png", noise(90, 2));
  fs::create_directories(file("data/failed.png/a folder in its place"));
  const auto outcome = train({"prepare", "folder", file("root"), "-o", file("data")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "failed.png")) << outcome.err;
  EXPECT_EQ(read_manifest(file("data")).size(), 1U);
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

TEST_F(Prepare, NamesThatDifferInATabAreTwoPictures) {
  picture("root/happy/a b.png", noise(50, 1));
  picture("root/happy/a\tb.png", noise(50, 2));
  picture("root/happy/a\\tb.png", noise(50, 3));
  for (const char* part : {"3 crops", "3 of 3 pictures are done already"}) {
    const auto outcome = train({"prepare", "folder", file("root"), "-o", file("data")});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(contains(outcome.out + outcome.err, part)) << outcome.out << outcome.err;
  }
  EXPECT_EQ(read_manifest(file("data")).size(), 3U);
}

TEST_F(Prepare, AShareOfWhatIsDrawnIsForValidation) {
  std::string table = "path,label,split\n";
  for (unsigned i = 0; i < 24; ++i) {
    picture("set/" + std::to_string(i) + ".png", noise(50, i));
    table += std::to_string(i) + ".png," + (i % 2 == 0 ? "happy" : "sad") + (i < 16 ? ",Training\n" : i < 20 ? ",val\n" : ",Testing\n");
  }
  test::write_text(file("set/labels.csv"), table);
  const std::vector<std::string> arguments{"prepare", "folder", file("set"), "-o", file("data")};
  const auto counts = [&](const std::vector<std::string>& more) {
    auto all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    const auto outcome = train(all);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::map<std::string, int> counts;
    for (const ManifestRow& row : read_manifest(file("data"))) ++counts[row.label.substr(0, 3) + ' ' + row.split];
    return counts;
  };
  using Counts = std::map<std::string, int>;
  EXPECT_EQ(counts({}), (Counts{{"hap train", 8}, {"sad train", 8}, {"hap valid", 2}, {"sad valid", 2}, {"hap test", 2}, {"sad test", 2}}));
  EXPECT_EQ(counts({"--per-class", "5", "--valid-share", "0.2"}),
            (Counts{{"hap train", 4}, {"sad train", 4}, {"hap valid", 1}, {"sad valid", 1}, {"hap test", 2}, {"sad test", 2}}));
  EXPECT_EQ(counts({"--per-class", "2"}),
            (Counts{{"hap train", 2}, {"sad train", 2}, {"hap valid", 2}, {"sad valid", 2}, {"hap test", 2}, {"sad test", 2}}));
  auto wrong = arguments;
  wrong.insert(wrong.end(), {"--valid-share", "nan"});
  const auto outcome = train(wrong);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "--valid-share")) << outcome.err;
}

TEST_F(Prepare, ADataSetsOwnFoldsAreItsAffair) {
  picture("set/a.png", noise(50, 1)), picture("set/b.png", noise(50, 2));
  test::write_text(file("set/labels.csv"), "path,label,fold\na.png,happy,1\nb.png,sad,2\n");
  const auto outcome = train({"prepare", "folder", file("set"), "-o", file("data")});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "none with the number 0, which masks and cv want (--folds N makes others)")) << outcome.err;
  EXPECT_EQ(read_manifest(file("data")).size(), 2U);
}

TEST_F(Prepare, AFaultIsToldInItsOwnWordsAgain) {
  test::write_text(file("root/happy/a\\b.png"), "no picture");
  picture("root/happy/good.png", noise(60, 3));
  for (int run = 0; run < 2; ++run) {
    const auto outcome = train({"prepare", "folder", file("root"), "-o", file("data")});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "skipped: " + file("root/happy/a\\b.png") + ": ")) << outcome.err;
  }
}

TEST_F(Prepare, WhatCouldNotBeReadIsTriedAgainAndACutCropMadeAgain) {
  const std::string unread = file("root/happy/unread.png"), crop = file("data/crops/happy/good.png.png");
  picture("root/happy/good.png", noise(60, 3));
  picture("root/happy/unread.png", noise(60, 4));
  const std::string whole = test::read_text(unread);
  test::write_text(unread, std::string(whole.size(), 'x'));
  const auto time = fs::last_write_time(unread);
  const std::vector<std::string> arguments{"prepare", "folder", file("root"), "-o", file("data")};
  auto outcome = train(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "1 crops") && contains(outcome.out, "1 unreadable")) << outcome.out;
  // As after a disk that failed for a while: the same size and time.
  test::write_text(unread, whole);
  fs::last_write_time(unread, time);
  const std::string pixels = test::read_text(crop);
  for (const std::size_t kept : {pixels.size() - 1, std::size_t{0}}) {
    test::write_text(crop, pixels.substr(0, kept));
    outcome = train(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(contains(outcome.out, "2 crops") && contains(outcome.out, "0 unreadable")) << outcome.out;
    EXPECT_EQ(test::read_text(crop), pixels);
  }
}

TEST_F(Prepare, APictureThatChangesMeanwhileIsToldAndMadeAgain) {
  for (int i = 0; i < 200; ++i) picture("root/happy/" + std::to_string(1000 + i) + ".png", noise(60, static_cast<unsigned>(i)));
  const std::vector<std::string> arguments{"prepare", "folder", file("root"), "-o", file("data")};
  {
    test::Program program(command(arguments));
    const std::string journal = file("data/prepare.journal");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (program.running() && (!fs::exists(journal) || !contains(test::read_text(journal), "1000.png")) &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(program.running()) << "too quick for this test";
    picture("root/happy/1000.png", noise(70, 1));
    const auto outcome = program.wait();
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "1000.png: has changed")) << outcome.err;
  }
  const auto again = train(arguments);
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "199 of 200 pictures are done already")) << again.err;
}

TEST_F(Prepare, AFaceThatTheDataSetPlacesElsewhereIsCutAgain) {
  picture("aff/Manually_Annotated_Images/1/a.png", noise(200, 1));
  const auto crop_of = [&](const std::string& box) {
    test::write_text(file("aff/training.csv"),
                     "subDirectory_filePath,face_x,face_y,face_width,face_height,expression\n1/a.png," + box + ",1\n");
    const auto outcome = train({"prepare", "affectnet", file("aff"), "-o", file("data")});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return test::read_text(file("data/crops/train/1/a.png.png"));
  };
  const std::string first = crop_of("0,0,60,60"), second = crop_of("100,100,80,80");
  EXPECT_NE(first, second);
  EXPECT_EQ(first, crop_of("0,0,60,60"));
}

/// CK+ of one face: `subjects` of one sequence, neutral, a blank wall, and two more frames.
class PrepareCkPlus : public Prepare {
 protected:
  void SetUp() override {
    Prepare::SetUp();
    if (IsSkipped()) return;
    for (const char* subject : {"S001", "S002", "S003"}) {
      const std::string s = subject, place = "ck/cohn-kanade-images/" + s + "/001/" + s + "_001_0000000";
      photograph(place + "1.png"), photograph(place + "3.png"), photograph(place + "4.png");
      picture(place + "2.png", noise(300, 5));
      test::write_text(file("ck/Emotion/" + s + "/001/" + s + "_001_00000004_emotion.txt"), s == "S002" ? "5.0" : "3.0");
    }
    test::write_text(file("ck/cohn-kanade-images/S003/001/S003_001_00000003.png"), "a text file in the place of a picture");
  }
  std::vector<std::string> prepare(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"prepare", "ckplus", file("ck"), "-o", file("data"), "--folds", "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(PrepareCkPlus, SequencesFoldsAndWhatFailed) {
  const auto outcome = train(prepare());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "8 crops")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "3 left out for want of a face, 1 unreadable")) << outcome.out;
  std::size_t references = 0;
  for (const ManifestRow& row : read_manifest(file("data"))) {
    EXPECT_TRUE(fs::exists(file("data/" + row.path)));
    EXPECT_EQ(row.fold, row.subject == "S001" ? "2" : row.subject == "S002" ? "1" : "0");
    references += row.label.empty() ? 1 : 0;
    if (!row.label.empty()) {
      EXPECT_EQ(row.neutral, "crops/" + row.subject + "/001/" + row.subject + "_001_00000001.png");
    }
  }
  EXPECT_EQ(references, 3U);
  const std::string failed = test::read_text(file("data/failed.csv"));
  EXPECT_EQ(std::count(failed.begin(), failed.end(), '\n'), 5) << failed;
  EXPECT_GT(read_image(file("data/failed.png")).width, 400);

  // Again: nothing is left to do but to try the unreadable one, and a changed picture alone is made again.
  const auto crop = file("data/crops/S001/001/S001_001_00000004.png");
  const auto before = fs::last_write_time(crop);
  const auto again = train(prepare());
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "11 of 12 pictures are done already")) << again.err;
  EXPECT_EQ(fs::last_write_time(crop), before);
  EXPECT_EQ(again.out, outcome.out);
  fs::remove(file("ck/cohn-kanade-images/S003/001/S003_001_00000003.png"));
  photograph("ck/cohn-kanade-images/S003/001/S003_001_00000003.png");
  const auto mended = train(prepare());
  EXPECT_TRUE(contains(mended.err, "11 of 12 pictures are done already")) << mended.err;
  EXPECT_TRUE(contains(mended.out, "9 crops")) << mended.out;
  // Crops made in another way are not mixed with these.
  const auto other = train(prepare({"--crop-size", "60"}));
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "crop-size 44") && contains(other.err, "crop-size 60")) << other.err;
}

TEST_F(PrepareCkPlus, StoppedItGoesOn) {
  test::Program program(command(prepare()));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto lines = [&] {
    const std::string journal = fs::exists(file("data/prepare.journal")) ? test::read_text(file("data/prepare.journal")) : "";
    return std::count(journal.begin(), journal.end(), '\n');
  };
  while (program.running() && lines() < 4 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  program.send(SIGTERM);
  const auto outcome = program.wait();
  ASSERT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "goes on")) << outcome.err;
  EXPECT_FALSE(fs::exists(file("data/manifest.csv")));
  const auto rest = train(prepare());
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_TRUE(contains(rest.err, "of 12 pictures are done already")) << rest.err;
  EXPECT_TRUE(contains(rest.out, "8 crops")) << rest.out;
}

TEST_F(PrepareCkPlus, FoldsAreCutOfWhatIsTaken) {
  // S002 alone is happy.
  const auto outcome = train({"prepare", "ckplus", file("ck"), "-o", file("data"), "--folds", "2", "--classes", "disgust"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::set<std::string> folds;
  for (const ManifestRow& row : read_manifest(file("data"))) {
    EXPECT_NE(row.subject, "S002");
    folds.insert(row.subject + row.fold);
  }
  EXPECT_EQ(folds, (std::set<std::string>{"S0011", "S0030"}));
}

TEST_F(PrepareCkPlus, ANeutralFaceThatIsNotWantedAsAPictureStaysAReference) {
  // One picture of each class: the neutral faces beyond that are what the others' masks are made with.
  for (const std::vector<std::string>& chosen : {std::vector<std::string>{"--per-class", "1"}, {"--classes", "disgust,happiness"}}) {
    std::vector<std::string> arguments{"prepare", "ckplus", file("ck"), "-o", file("data"), "--folds", "2", "--with-neutral"};
    arguments.insert(arguments.end(), chosen.begin(), chosen.end());
    const auto outcome = train(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "have lost their neutral face")) << outcome.err;
    std::map<std::string, int> counts;
    std::set<std::string> paths;
    const auto rows = read_manifest(file("data"));
    for (const ManifestRow& row : rows) ++counts[row.label], paths.insert(row.path);
    for (const ManifestRow& row : rows) EXPECT_TRUE(row.label.empty() ? row.neutral.empty() : paths.count(row.neutral) == 1) << row.path;
    EXPECT_EQ(counts.count("neutral"), chosen[0] == "--classes" ? 0U : 1U);
    EXPECT_GE(counts[""], 1) << "reference faces";
  }
}

TEST_F(PrepareCkPlus, AFoldThatHasLostItsPicturesIsTold) {
  for (const char* frame : {"2", "3", "4"})
    test::write_text(file(std::string("ck/cohn-kanade-images/S002/001/S002_001_0000000") + frame + ".png"), "no picture");
  const auto outcome = train(prepare());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "none with the number 1") && contains(outcome.err, "--folds N")) << outcome.err;
  EXPECT_FALSE(fs::exists(file("data/manifest.csv")));
}

TEST_F(PrepareCkPlus, FewerSubjectsThanFolds) {
  const auto outcome = train({"prepare", "ckplus", file("ck"), "-o", file("data")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "3 subjects") && contains(outcome.err, "--folds")) << outcome.err;
}

class Verify : public TrainProgram {
 protected:
  void SetUp() override {
    TrainProgram::SetUp();
    if (IsSkipped()) return;
    for (unsigned i = 0; i < 6; ++i) {
      const std::string name = std::to_string(i) + ".png";
      write_image(file(name), noise(16, i).view());
      rows_.push_back({name, "", i % 2 == 0 ? "fear" : "anger", "S" + std::to_string(i / 2), "", "", std::to_string(i / 2), "", "", true});
    }
  }
  void expect_faults(const std::vector<std::string>& parts) {
    write_manifest(folder_.path().string(), rows_);
    const auto outcome = train({"verify", folder_.path().string()});
    EXPECT_EQ(outcome.status, parts.empty() ? 0 : 1) << outcome.err;
    for (const auto& part : parts) EXPECT_TRUE(contains(outcome.out, part)) << "'" << part << "' is not in: " << outcome.out;
  }
  std::vector<ManifestRow> rows_;
};

TEST_F(Verify, AGoodSetHasNoFault) {
  expect_faults({});
  const auto outcome = train({"verify", folder_.path().string(), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto out = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(out["pictures"], 6);
  EXPECT_EQ(out["subjects"], 3);
  EXPECT_EQ(out["folds"]["fear"]["2"], 1);
  EXPECT_TRUE(out["faults"].empty());
}

TEST_F(Verify, WhatMakesAFigureWrongIsAFault) {
  rows_[5].subject = "S0";
  expect_faults({"subject S0 is in the folds 0, 2"});
  for (ManifestRow& row : rows_) row.subject.clear(), row.sequence = "film";
  expect_faults({"sequence film is in the folds 0, 1, 2", "note: 6 pictures are of no known subject"});
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].subject = "S" + std::to_string(i / 2), rows_[i].sequence.clear();
  rows_[5].subject = "S2", rows_[1].neutral = "none.png";
  expect_faults({"none.png"});
  rows_[1].neutral.clear(), rows_[0].fold = rows_[2].fold = rows_[4].fold = "0", rows_[2].subject = rows_[4].subject = "S0";
  expect_faults({"all pictures of fear are in fold 0"});
}

TEST_F(Verify, UnreadableMissingAndDoubledPictures) {
  write_image(file("3.png"), noise(16, 0).view());  // 0.png's pixels under another label
  test::write_text(file("4.png"), "a text file in the place of a picture");
  std::filesystem::remove(file("5.png"));
  expect_faults({"0.png, 3.png (labels anger, fear)", "4.png: not a readable picture", "5.png: no such file"});
}

using Masks = TrainProgram;

TEST_F(Masks, EquationOneOverThePairsOfEachClass) {
  for (int i = 0; i < 5; ++i) write_image(file(std::to_string(i) + ".png"), noise(16, static_cast<unsigned>(i)).view());
  const auto row = [](const char* path, const char* label, const char* split, const char* neutral) {
    return ManifestRow{path, "", label, "", "", "", "", split, neutral, true};
  };
  write_manifest(folder_.path().string(),
                 {row("0.png", "anger", "train", "4.png"), row("1.png", "anger", "train", "4.png"), row("2.png", "anger", "test", "4.png"),
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
  // Nothing of a test picture comes into a mask that nobody asked it into.
  const auto by_itself = train({"masks", folder_.path().string(), "-o", file("by-itself")});
  ASSERT_EQ(by_itself.status, 0) << by_itself.err;
  EXPECT_TRUE(contains(by_itself.out, "train: anger 2 pairs")) << by_itself.out;
  EXPECT_EQ(read_image(file("by-itself/anger.png")).pixels, read_image(file("masks/anger.png")).pixels);
}

TEST_F(Masks, WhatHasNoFaceIsInNone) {
  const auto row = [&](int i, const char* label, int neutral, bool aligned) {
    const auto name = [](int k) { return k < 0 ? "" : std::to_string(k) + ".png"; };
    write_image(file(name(i)), noise(16, static_cast<unsigned>(i)).view());
    return ManifestRow{name(i), "", label, "", "", "", "", "", name(neutral), aligned};
  };
  write_manifest(folder_.path().string(), {row(0, "anger", 4, true), row(1, "anger", 4, false), row(2, "anger", 5, true),
                                           row(4, "", -1, true), row(5, "", -1, false), row(6, "neutral", -1, true), row(7, "neutral", -1, false)});
  const auto pairs = train({"masks", folder_.path().string(), "-o", file("masks")});
  ASSERT_EQ(pairs.status, 0) << pairs.err;
  EXPECT_TRUE(contains(pairs.out, "anger 1 pairs")) << pairs.out;
  EXPECT_TRUE(contains(pairs.out, "for want of a found face: 3 pictures, and 1 more whose neutral face has none")) << pairs.out;
  MotionMaskBuilder anger;
  anger.add(noise(16, 0).view(), noise(16, 4).view());
  EXPECT_EQ(read_masks(file("masks")).at("anger").pixels, anger.build().pixels);
  const auto means = train({"masks", folder_.path().string(), "-o", file("means"), "--class-means"});
  EXPECT_TRUE(contains(means.out, "neutral 1 pictures")) << means.out << means.err;
  // A fold in which no face was found is a fold all the same.
  std::vector<ManifestRow> folds{row(0, "anger", 4, true), row(1, "anger", 4, true), row(2, "anger", 4, false), row(4, "", -1, true)};
  for (std::size_t k = 0; k < 3; ++k) folds[k].fold = std::to_string(k);
  write_manifest(folder_.path().string(), folds);
  ASSERT_EQ(train({"masks", folder_.path().string(), "-o", file("folds")}).status, 0);
  EXPECT_EQ(read_masks(file("folds/2")).size(), 1U);
}

TEST_F(Masks, WhoIsHeldOutIsInNone) {
  fs::create_directory(file("data"));
  std::vector<ManifestRow> rows;
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i) + ".png", subject = "S" + std::to_string(i / 2);
    write_image(file("data/" + name), noise(20, static_cast<unsigned>(i)).view());
    rows.push_back({name, "faces/" + subject + "/" + name, i % 2 == 0 ? "fear" : "anger", subject, "", "", std::to_string(i / 2),
                    i < 4 ? "train" : "valid", std::to_string(i ^ 1) + ".png", true});
  }
  write_manifest(file("data"), rows);
  const auto fit = [&](const std::string& masks, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"fit", file("data"), "-o", file("run"), "--recipe", "default", "--input-size", "16",
                                       "--crop-size", "20", "--input-schedule", "", "--masks", file(masks), "--check"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return train(arguments);
  };
  ASSERT_EQ(train({"masks", file("data"), "-o", file("masks")}).status, 0);
  EXPECT_EQ(fit("masks", {}).status, 0) << "from the split train, beside those of the folds";
  EXPECT_EQ(fit("masks", {"--fold", "1"}).status, 0);
  const auto refused = [&](const test::Outcome& outcome, const std::string& folder, const std::string& subject) {
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(contains(outcome.err, file(folder) + ": these masks are made of the face of " + subject)) << outcome.err;
  };
  refused(fit("masks/0", {}), "masks/0", "S2");
  // Prepared anew with other folds.
  for (ManifestRow& row : rows) row.fold = row.subject == "S0" || row.subject == "S3" ? "0" : "1";
  write_manifest(file("data"), rows);
  refused(fit("masks", {"--fold", "0"}), "masks/0", "S3");
  ASSERT_EQ(train({"masks", file("data"), "-o", file("borrowed"), "--from", file("masks/0")}).status, 0);
  refused(fit("borrowed", {"--fold", "0"}), "borrowed", "S3");
  // Other people of the same names.
  for (ManifestRow& row : rows) row.source = "others/" + row.subject + "/" + row.path;
  write_manifest(file("data"), rows);
  EXPECT_EQ(fit("masks", {"--fold", "0"}).status, 0);
}

// The masks are of one split, the people that are held out in another.
TEST_F(Masks, WhoIsHeldOutIsKnownHoweverTheDataSetWasNamed) {
  fs::create_directory(file("data"));
  std::vector<ManifestRow> rows;
  for (int i = 0; i < 4; ++i) {
    const std::string name = std::to_string(i) + ".png", split = i < 2 ? "train" : "valid";
    write_image(file("data/" + name), noise(20, static_cast<unsigned>(i)).view());
    rows.push_back({name, "", i % 2 == 0 ? "fear" : "anger", "S0", "", "", "", split, std::to_string(i ^ 1) + ".png", true});
  }
  fs::create_directories(file("root/train")), fs::create_directories(file("root/valid"));
  fs::create_directory_symlink(file("root"), file("link"));
  const auto from = [&](const std::string& root) {
    for (ManifestRow& row : rows) row.source = root + '/' + row.split + '/' + row.path;
    write_manifest(file("data"), rows);
  };
  const auto check = [&] {
    return train({"fit", file("data"), "-o", file("run"), "--recipe", "default", "--input-size", "16", "--crop-size", "20",
                  "--input-schedule", "", "--masks", file("masks"), "--check"});
  };
  from(file("root"));
  ASSERT_EQ(train({"masks", file("data"), "-o", file("masks")}).status, 0);
  for (const std::string& root : {file("root"), file("root/../root/."), file("link"), fs::relative(file("root")).string()}) {
    from(root);
    const auto outcome = check();
    EXPECT_EQ(outcome.status, 1) << root;
    EXPECT_TRUE(contains(outcome.err, "these masks are made of the face of S0")) << root << ": " << outcome.err;
  }
  from(file("another"));
  EXPECT_EQ(check().status, 0) << "another S0";
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

TEST_F(Masks, BorrowedOnesThatLackAClass) {
  fs::create_directories(file("theirs"));
  write_image(file("theirs/happy.png"), noise(8, 1).view());
  write_manifest(folder_.path().string(),
                 {{"0.png", "", "happiness", "", "", "", "", "", "", true}, {"1.png", "", "neutral", "", "", "", "", "", "", true}});
  const std::vector<std::string> arguments{"masks", folder_.path().string(), "-o", file("masks"), "--from", file("theirs")};
  auto outcome = train(arguments);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "neutral") && contains(outcome.err, "--missing-mask") && contains(outcome.err, file("theirs")))
      << outcome.err;
  auto with_zero = arguments;
  with_zero.insert(with_zero.end(), {"--missing-mask", "zero", "--contact-sheet"});
  outcome = train(with_zero);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(read_image(file("masks/neutral.png")).pixels, std::vector<std::uint8_t>(8 * 8 * 3, 0));
  EXPECT_TRUE(fs::exists(file("masks/contact-sheet.png")));
  EXPECT_EQ(read_masks(file("masks")).size(), 2U) << "the sheet is no mask";
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
