// Data sets as their owners ship them, in trees of tiny files; the published fold lists, file by file.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "csv.h"
#include "expect_error.h"
#include "folds.h"
#include "picture_list.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

using test::expect_error;

class DataSets : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& text = "listed by name alone") { test::write_text(folder_.path() / name, text); }
  std::string root() const { return folder_.path().string(); }

  /// A CK+ sequence of `frames` frames; label 0: no label file.
  void ckplus_sequence(const std::string& subject, const std::string& sequence, int frames, int label) {
    const auto stem = [&](int n) {
      char name[64];
      std::snprintf(name, sizeof name, "%s_%s_%08d", subject.c_str(), sequence.c_str(), n);
      return std::string(name);
    };
    const std::string place = subject + '/' + sequence + '/';
    for (int n = 1; n <= frames; ++n) file("cohn-kanade-images/" + place + stem(n) + ".png");
    fs::create_directories(folder_.path() / "Emotion" / place);
    if (label > 0) file("Emotion/" + place + stem(frames) + "_emotion.txt", "   " + std::to_string(label) + ".0000000e+00\n");
  }

  /// Source file names of a fold's labelled rows.
  static std::set<std::string> names_in(const std::vector<ManifestRow>& rows, int fold, bool within) {
    std::set<std::string> names;
    for (const ManifestRow& row : select_rows(rows, {"", fold, within})) names.insert(fs::path(row.source).filename().string());
    return names;
  }
  test::TemporaryFolder folder_;
};

std::set<std::string> lines_of(const std::string& path) {
  std::stringstream text(test::read_text(path));
  std::set<std::string> lines;
  for (std::string line; std::getline(text, line);)
    if (!line.empty()) lines.insert(line.substr(0, line.find('\r')));
  return lines;
}

void expect_published_folds(const std::vector<ManifestRow>& rows, const std::string& data,
                            const std::function<std::set<std::string>(int, bool)>& names) {
  EXPECT_EQ(fold_count(rows), 10);
  for (int k = 0; k < 10; ++k) {
    EXPECT_EQ(names(k, true), lines_of(data + "/folds/test_ids_" + std::to_string(k) + ".csv")) << "test fold " << k;
    EXPECT_EQ(names(k, false), lines_of(data + "/folds/train_ids_" + std::to_string(k) + ".csv")) << "training of fold " << k;
  }
}

TEST_F(DataSets, CkPlusAsShipped) {
  ckplus_sequence("S005", "001", 11, 3);
  ckplus_sequence("S005", "002", 9, 0);   // no label: none of ours, and no gap
  ckplus_sequence("S010", "004", 2, 7);   // shorter than three peak frames
  ckplus_sequence("S010", "005", 1, 5);   // one frame
  ckplus_sequence("S011", "001", 4, 9);   // no such label
  file("cohn-kanade-images/S005/001/.DS_Store");
  file("cohn-kanade-images/S005/001/Thumbs.db");
  file("Emotion/S011/002/S011_002_00000009_emotion.txt", "1.0");
  file("cohn-kanade-images/S012/001/S012_001_00000001.png");
  for (const char* name : {"Emotion/S012/001/a_emotion.txt", "Emotion/S012/001/b_emotion.txt"}) file(name, "1.0");
  const PictureList list = list_ckplus(root(), {});
  EXPECT_EQ(list.summary, "4 subjects, 6 sequences, 3 of them labelled (CK+ has 123, 593 and 327)");
  ASSERT_EQ(list.rows.size(), 4U + 2U);
  EXPECT_EQ(list.rows[0].label, "") << "the neutral face is of no class";
  EXPECT_EQ(list.rows[0].frame, "00000001");
  for (int i = 1; i < 4; ++i) {
    const ManifestRow& row = list.rows[static_cast<std::size_t>(i)];
    EXPECT_EQ(row.label, "disgust");
    EXPECT_EQ(row.subject, "S005");
    EXPECT_EQ(row.sequence, "001");
    EXPECT_EQ(row.frame, "000000" + std::string(i == 1 ? "09" : i == 2 ? "10" : "11"));
    EXPECT_EQ(row.neutral, list.rows[0].path);
    EXPECT_EQ(fs::path(row.source).filename().string(), "S005_001_" + row.frame + ".png");
  }
  EXPECT_EQ(list.rows[5].label, "surprise");
  EXPECT_EQ(list.rows[5].frame, "00000002");
  ASSERT_EQ(list.skipped.size(), 4U);
  EXPECT_NE(list.skipped[0].reason.find("one frame"), std::string::npos) << list.skipped[0].reason;
  EXPECT_NE(list.skipped[1].reason.find("0…7"), std::string::npos) << list.skipped[1].reason;
  EXPECT_NE(list.skipped[2].reason.find("2 label files"), std::string::npos) << list.skipped[2].reason;
  EXPECT_NE(list.skipped[3].source.find("S011/002"), std::string::npos) << list.skipped[3].source;

  ListOptions with_neutral;
  with_neutral.with_neutral = true, with_neutral.peak_frames = 1;
  const PictureList more = list_ckplus(root(), with_neutral);
  ASSERT_EQ(more.rows.size(), 4U);
  EXPECT_EQ(more.rows[0].label, "neutral");
  EXPECT_EQ(more.rows[0].neutral, more.rows[0].path);
  EXPECT_EQ(more.rows[1].frame, "00000011");
}

TEST_F(DataSets, CkPlusThatIsNone) {
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { list_ckplus(folder_.file("none"), {}); });
  expect_error(ErrorCode::kNotFound, {root(), "cohn-kanade-images"}, [&] { list_ckplus(root(), {}); });
  file("cohn-kanade-images/S005/001/S005_001_00000001.png");
  expect_error(ErrorCode::kNotFound, {root(), "Emotion"}, [&] { list_ckplus(root(), {}); });
  fs::create_directories(folder_.path() / "Emotion");
  expect_error(ErrorCode::kBadFormat, {root(), "labelled"}, [&] { list_ckplus(root(), {}); });
}

// Twelve subjects, five folds: blocks of b = 0 2 5 7 10 12 subjects, the first block being the last fold.
TEST_F(DataSets, FoldsAreBlocksOfSubjectsFromTheLast) {
  std::vector<ManifestRow> rows;
  for (const int n : {12, 3, 1, 2, 10, 4, 5, 6, 7, 8, 9, 11}) {
    ManifestRow row;
    row.label = "fear", row.subject = "P" + std::to_string(n);
    rows.push_back(row);
    row.label.clear();
    rows.push_back(row);
  }
  ManifestRow stranger;
  stranger.subject = "P99";  // of no labelled picture
  rows.push_back(stranger);
  assign_folds(rows, 5);
  const std::vector<std::string> expected{"4", "4", "3", "3", "3", "2", "2", "1", "1", "1", "0", "0"};
  for (const ManifestRow& row : rows) {
    if (row.subject == "P99") continue;
    EXPECT_EQ(row.fold, expected[std::stoul(row.subject.substr(1)) - 1]) << row.subject;
  }
  EXPECT_EQ(rows.back().fold, "");
  expect_error(ErrorCode::kBadSetting, {"12 subjects", "13"}, [&] { assign_folds(rows, 13); });
  expect_error(ErrorCode::kBadSetting, {"two"}, [&] { assign_folds(rows, 1); });
  rows[0].subject.clear(), rows[0].source = "who.png";
  expect_error(ErrorCode::kBadFormat, {"who.png"}, [&] { assign_folds(rows, 5); });
}

TEST_F(DataSets, NaturalOrder) {
  std::vector<std::string> names{"S10", "S9", "S010b", "S1", "", "T", "S", "S010"};
  std::sort(names.begin(), names.end(), natural_less);
  EXPECT_EQ(names, (std::vector<std::string>{"", "S", "S1", "S9", "S010", "S10", "S010b", "T"}));
}

TEST_F(DataSets, DrawsAreFixedByTheirSeed) {
  std::vector<ManifestRow> rows;
  for (int i = 0; i < 100; ++i) {
    ManifestRow row;
    row.label = i < 60 ? "fear" : i < 90 ? "anger" : "", row.path = std::to_string(i);
    rows.push_back(row);
  }
  auto split = rows;
  split_at_random(split, 0.1, 3);
  EXPECT_EQ(select_rows(split, {"valid"}).size(), 9U);
  EXPECT_EQ(select_rows(split, {"train"}).size(), 81U);
  const auto paths = [](const std::vector<ManifestRow>& of) {
    std::string text;
    for (const ManifestRow& row : of) text += row.path + ' ';
    return text;
  };
  const auto drawn = [&](std::uint64_t seed) {
    const auto beyond = beyond_per_class(rows, 40, seed);
    std::vector<ManifestRow> few;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (std::find(beyond.begin(), beyond.end(), i) == beyond.end()) few.push_back(rows[i]);
    return few;
  };
  EXPECT_EQ(drawn(1).size(), 40U + 30U + 10U);
  EXPECT_EQ(paths(drawn(1)), paths(drawn(1)));
  EXPECT_NE(paths(drawn(1)), paths(drawn(2)));
}

TEST_F(DataSets, TestPicturesAreNotDrawnForTraining) {
  std::vector<ManifestRow> rows(20);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].label = "fear", rows[i].split = i < 10 ? "test" : i < 15 ? "train" : "";
  split_at_random(rows, 0.5, 1);
  EXPECT_TRUE(std::all_of(rows.begin(), rows.begin() + 10, [](const ManifestRow& r) { return r.split == "test"; }));
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const ManifestRow& r) { return r.split == "valid"; }), 5);
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const ManifestRow& r) { return r.split == "train"; }), 5);
}

TEST_F(DataSets, NoSequenceIsDrawnIntoTwoSplits) {
  std::vector<ManifestRow> rows(100);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].label = i % 5 == 0 ? "neutral" : i < 50 ? "fear" : "anger";
    rows[i].sequence = std::to_string(i / 5);  // ten films of five frames of each class, of people whom nobody names; the first is neutral
  }
  split_at_random(rows, 0.3, 1);
  std::map<std::string, std::set<std::string>> splits_of;
  for (const ManifestRow& row : rows) splits_of[row.sequence].insert(row.split);
  for (const auto& [sequence, splits] : splits_of) EXPECT_EQ(splits.size(), 1U) << sequence;
  for (const char* label : {"fear", "anger"}) {
    const auto valid = [&](const ManifestRow& r) { return r.label == label && r.split == "valid"; };
    EXPECT_EQ(std::count_if(rows.begin(), rows.end(), valid), 12) << label;
  }
}

TEST_F(DataSets, NobodyIsDrawnIntoTwoSplits) {
  std::vector<ManifestRow> rows(60);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].label = i % 2 == 0 ? "fear" : "anger";
    if (i < 40) rows[i].subject = "S" + std::to_string(i / 4);  // ten subjects of four pictures
  }
  split_at_random(rows, 0.3, 1);
  std::map<std::string, std::set<std::string>> splits_of;
  for (const ManifestRow& row : rows)
    if (!row.subject.empty()) splits_of[row.subject].insert(row.split);
  EXPECT_EQ(splits_of.size(), 10U);
  for (const auto& [subject, splits] : splits_of) EXPECT_EQ(splits.size(), 1U) << subject;
  EXPECT_EQ(std::count_if(splits_of.begin(), splits_of.end(), [](const auto& item) { return item.second.count("valid") != 0; }), 3);
  const auto nobodys = [](const ManifestRow& r) { return r.subject.empty() && r.split == "valid"; };
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), nobodys), 3 + 3) << "of ten pictures of each class";
}

TEST_F(DataSets, ATestSplitIsInNoFold) {
  std::vector<ManifestRow> rows(9);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].label = "fear", rows[i].subject = "S" + std::to_string(i), rows[i].split = i < 6 ? "train" : "test";
  rows[8].subject.clear();
  assign_folds(rows, 3);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].fold, i < 6 ? std::to_string(2 - i / 2) : "") << i;
}

TEST_F(DataSets, CropsStayInTheirFolder) {
  EXPECT_EQ(crop_path("a/b.jpg"), "crops/a/b.jpg.png");
  EXPECT_EQ(crop_path("train//abs/b.jpg"), "crops/train/abs/b.jpg.png");
  EXPECT_EQ(crop_path("/abs/b.jpg"), "crops/root/abs/b.jpg.png");
  EXPECT_EQ(crop_path("train/../../../b.jpg"), "crops/up/up/b.jpg.png");
}

TEST_F(DataSets, PublishedFoldsOfCkPlus) {
  const char* data = std::getenv("FMPN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "FMPN_TEST_DATA: no published lists beside the checkout";
  // Each sequence of the label file, with the published frames at its end and one neutral frame.
  const std::string published = std::string(data) + "/ckplus";
  const CsvTable labels(published + "/labels.csv", {"sequence", "label"});
  std::map<std::string, std::string> label_of;
  for (std::size_t i = 0; i < labels.size(); ++i) label_of[labels.get(i, "sequence")] = labels.get(i, "label");
  for (int k = 0; k < 10; ++k)
    for (const std::string& name : lines_of(published + "/folds/test_ids_" + std::to_string(k) + ".csv")) {
      const std::string sequence = name.substr(0, 8), place = name.substr(0, 4) + '/' + name.substr(5, 3) + '/';
      file("cohn-kanade-images/" + place + name);
      file("cohn-kanade-images/" + place + sequence + "_00000001.png");
      ASSERT_NE(label_of.count(sequence), 0U) << name;
      file("Emotion/" + place + sequence + "_emotion.txt", label_of.at(sequence));
    }
  for (const auto& [sequence, label] : label_of)
    if (label == "-1") file("cohn-kanade-images/" + sequence.substr(0, 4) + '/' + sequence.substr(5) + '/' + sequence + "_00000001.png");
  auto list = list_ckplus(root(), {});
  EXPECT_TRUE(list.skipped.empty());
  assign_folds(list.rows, 10);
  const auto labelled = select_rows(list.rows, {});
  EXPECT_EQ(labelled.size(), 981U);
  std::map<std::string, int> count;
  for (const ManifestRow& row : labelled) ++count[row.label];
  EXPECT_EQ(count,
            (std::map<std::string, int>{
                {"anger", 135}, {"contempt", 54}, {"disgust", 177}, {"fear", 75}, {"happiness", 207}, {"sadness", 84}, {"surprise", 249}}));
  expect_published_folds(list.rows, published, [&](int k, bool within) { return names_in(list.rows, k, within); });
}

TEST_F(DataSets, PublishedFoldsOfMmi) {
  const char* data = std::getenv("FMPN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "FMPN_TEST_DATA: no published lists beside the checkout";
  const std::string published = std::string(data) + "/mmi";
  const CsvTable labels(published + "/labels.csv", {"sequence", "label"});
  std::map<std::string, std::string> label_of;
  for (std::size_t i = 0; i < labels.size(); ++i) label_of[labels.get(i, "sequence")] = labels.get(i, "label");
  std::map<std::string, std::vector<long>> frames;
  for (int k = 0; k < 10; ++k)
    for (const std::string& name : lines_of(published + "/folds/test_ids_" + std::to_string(k) + ".csv")) {
      file("Sessions/" + std::to_string(frames.size()) + '/' + name);
      frames[name.substr(0, 8)].push_back(std::stol(name.substr(9)));
      file("Sessions/0/" + name.substr(0, 8) + "_001.png");
    }
  std::string table = "sequence,label,peak\r\n";
  for (auto& [sequence, numbers] : frames) {
    std::sort(numbers.begin(), numbers.end());
    table += sequence + ',' + label_of.at(sequence) + ',' + std::to_string(numbers[1]) + "\r\n";
  }
  file("mmi.csv", table);
  auto list = list_mmi(root(), {});
  EXPECT_TRUE(list.skipped.empty());
  assign_folds(list.rows, 10);
  const auto labelled = select_rows(list.rows, {});
  EXPECT_EQ(labelled.size(), 624U);
  std::map<std::string, int> count;
  for (const ManifestRow& row : labelled) ++count[row.label];
  EXPECT_EQ(count, (std::map<std::string, int>{
                       {"anger", 99}, {"disgust", 96}, {"fear", 84}, {"happiness", 126}, {"sadness", 96}, {"surprise", 123}}));
  expect_published_folds(list.rows, published, [&](int k, bool within) { return names_in(list.rows, k, within); });
}

TEST_F(DataSets, MmiSessionsWithTheirXml) {
  file("Sessions/1/S001-100.avi"),
      file("Sessions/1/session.xml",
           "<?xml version=\"1.0\"?><Session><Track/><Annotation><Metatag Name=\"Emotion\" Value=\"2\"/></Annotation></Session>");
  file("Sessions/2/S002-007.avi"), file("Sessions/2/session.xml", "<session><metatag name=\"emotion\" value=\"Happiness\"/></session>");
  file("Sessions/3/S003-001.avi"), file("Sessions/3/session.xml", "<session><metatag name=\"AU\" value=\"1\"/></session>");
  file("Sessions/4/S004-001.avi"), file("Sessions/4/session.xml", "<session><metatag");
  file("Sessions/5/S005-001.avi"), file("Sessions/5/session.xml", "<session><metatag name=\"Emotion\" value=\"8\"/></session>");
  file("mmi.csv", "sequence,peak\nS001-100,40\nS003_001,12\nS009-001,3\n");
  const PictureList list = list_mmi(root(), {});
  ASSERT_EQ(list.rows.size(), 4U);
  EXPECT_EQ(list.rows[0].source, folder_.file("Sessions/1/S001-100.avi#1"));
  EXPECT_EQ(list.rows[1].source, folder_.file("Sessions/1/S001-100.avi#39"));
  EXPECT_EQ(list.rows[3].frame, "041");
  EXPECT_EQ(list.rows[3].label, "disgust");
  EXPECT_EQ(list.rows[3].subject, "S001");
  EXPECT_EQ(list.rows[3].sequence, "100");
  std::string reasons;
  for (const SkippedSource& s : list.skipped) reasons += s.source + ": " + s.reason + '\n';
  EXPECT_EQ(list.skipped.size(), 4U) << reasons;
  for (const char* part : {"Sessions/4/session.xml", "S009_001: in the table", "S002_007: shows happiness", "S003_001: neither"})
    EXPECT_NE(reasons.find(part), std::string::npos) << part << " is not in\n" << reasons;
  expect_error(ErrorCode::kBadFormat, {"S001-100.avi"}, [&] { list.read(list.rows[0]); });

  file("mmi.csv", "sequence,label\nS001-100,1\n");
  expect_error(ErrorCode::kBadFormat, {"mmi.csv", "'peak'"}, [&] { list_mmi(root(), {}); });
  file("mmi.csv", "sequence,label,peak\nS001-100,6,40\n");
  expect_error(ErrorCode::kBadFormat, {"mmi.csv:2", "0…5"}, [&] { list_mmi(root(), {}); });
  file("mmi.csv", "sequence,label,peak\nS001-100,1,late\n");
  expect_error(ErrorCode::kBadFormat, {"mmi.csv:2", "late"}, [&] { list_mmi(root(), {}); });
  fs::remove(folder_.path() / "mmi.csv");
  expect_error(ErrorCode::kNotFound, {"mmi.csv", "--table"}, [&] { list_mmi(root(), {}); });
}

TEST_F(DataSets, AFrameOfMmiWithANumberTooLongIsSkipped) {
  for (const char* name : {"S001_100_001.png", "S001_100_002.png", "S001_100_003.png", "S001_100_004.png"}) file(name);
  file("S001_100_99999999999999999999.png"), file("S001_100_3000000000.png");
  file("mmi.csv", "sequence,label,peak\nS001_100,1,3\n");
  const PictureList list = list_mmi(root(), {});
  EXPECT_EQ(list.rows.size(), 4U);
  ASSERT_EQ(list.skipped.size(), 2U);
  for (const SkippedSource& s : list.skipped) {
    EXPECT_TRUE(s.source.find("_9999") != std::string::npos || s.source.find("_3000") != std::string::npos) << s.source;
    EXPECT_EQ(s.reason, "no frame has such a number");
  }
}

TEST_F(DataSets, AffectNetOfBothReleases) {
  for (const char* name : {"1/a.jpg", "2/b.JPG", "3/c.png"}) file(std::string("old/Manually_Annotated_Images/") + name);
  file("old/training.csv",
       "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\r\n"
       "1/a.jpg,10,20,100,110,1;2,1,0,0\r\n2/b.JPG,NULL,NULL,NULL,NULL,NULL,7,0,0\r\n1/none.jpg,1,1,9,9,,3,0,0\r\n3/"
       "c.png,1,1,9,9,,10,0,0\r\n");
  file("old/validation.csv", "3/c.png,0,0,50,60,1;2,0,0.5,0.5\r\n");
  const PictureList old = list_affectnet(folder_.file("old"), {});
  ASSERT_EQ(old.rows.size(), 3U);
  EXPECT_EQ(old.rows[0].label, "happiness");
  EXPECT_EQ(old.rows[0].split, "train");
  ASSERT_EQ(old.faces.count(old.rows[0].path), 1U);
  EXPECT_EQ(old.faces.at(old.rows[0].path).width, 100);
  EXPECT_EQ(old.rows[1].label, "contempt");
  EXPECT_EQ(old.faces.count(old.rows[1].path), 0U);
  EXPECT_EQ(old.rows[2].label, "neutral");
  EXPECT_EQ(old.rows[2].split, "valid");
  ASSERT_EQ(old.skipped.size(), 1U);
  EXPECT_NE(old.skipped[0].source.find("none.jpg"), std::string::npos);
  file("old/training.csv", "subDirectory_filePath,valence\n");
  expect_error(ErrorCode::kBadFormat, {"training.csv", "'expression'"}, [&] { list_affectnet(folder_.file("old"), {}); });

  // numpy.save of numpy.array('6') and of numpy.int64(11), as the newer release and careless copies of it have them.
  const auto npy = [](const std::string& type, const std::string& data) {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (), }";
    header.resize(117, ' ');
    return std::string("\x93NUMPY\x01\x00", 8) + char(118) + char(0) + header + '\n' + data;
  };
  for (const char* name : {"0", "1", "2", "3", "10"}) file(std::string("new/train_set/images/") + name + ".jpg");
  file("new/train_set/annotations/0_exp.npy", npy("<U1", std::string("6\0\0\0", 4)));
  file("new/train_set/annotations/1_exp.npy", npy("<i8", std::string("\x04\0\0\0\0\0\0\0", 8)));
  file("new/train_set/annotations/2_exp.npy", npy("<i8", std::string("\x0b\0\0\0\0\0\0\0", 8)));
  file("new/train_set/annotations/3_exp.npy", "broken");
  file("new/val_set/images/0.jpg"), file("new/val_set/annotations/0_exp.npy", npy("<U1", std::string("0\0\0\0", 4)));
  const PictureList recent = list_affectnet(folder_.file("new"), {});
  ASSERT_EQ(recent.rows.size(), 3U);
  EXPECT_EQ(recent.rows[0].label, "anger");
  EXPECT_EQ(recent.rows[1].label, "fear");
  EXPECT_EQ(recent.rows[2].label, "neutral");
  EXPECT_EQ(recent.rows[2].split, "valid");
  EXPECT_EQ(recent.skipped.size(), 3U) << "an unknown number, a broken label, a missing one";
  expect_error(ErrorCode::kNotFound, {root(), "training.csv", "train_set"}, [&] { list_affectnet(root(), {}); });
}

TEST_F(DataSets, Fer2013AsCsv) {
  file("fer2013.csv",
       "emotion, Usage, pixels\r\n3,Training,1 2 3 4\r\n6,PublicTest,0 0 0 255\r\n0,PrivateTest,9 9 9\r\n7,Training,1 2 3 "
       "4\r\n2,PrivateTest,1 2 3 256\r\n5,PrivateTest,4 3 2 1\r\n");
  const PictureList list = list_fer2013(root(), {});
  ASSERT_EQ(list.rows.size(), 3U);
  EXPECT_EQ(list.rows[0].label, "happiness");
  EXPECT_EQ(list.rows[0].split, "train");
  EXPECT_EQ(list.rows[1].label, "neutral");
  EXPECT_EQ(list.rows[1].split, "valid");
  EXPECT_EQ(list.rows[2].split, "test");
  const Image picture = list.read(list.rows[0]);
  EXPECT_EQ(picture.width, 2);
  EXPECT_EQ(picture.pixels, (std::vector<std::uint8_t>{1, 2, 3, 4}));
  ASSERT_EQ(list.skipped.size(), 3U);
  EXPECT_NE(list.skipped[0].reason.find(":4"), std::string::npos) << list.skipped[0].reason;
  file("fer2013.csv", "emotion,usage\n");
  expect_error(ErrorCode::kBadFormat, {"fer2013.csv", "'pixels'"}, [&] { list_fer2013(root(), {}); });
  fs::remove(folder_.path() / "fer2013.csv");
  file("train/happy/a.jpg"), file("valid/neutral/b.jpg");
  EXPECT_EQ(list_fer2013(root(), {}).rows.size(), 2U) << "class folders";
}

}  // namespace
}  // namespace fmpn::train
