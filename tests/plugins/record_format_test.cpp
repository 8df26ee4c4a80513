// The records as text, without GStreamer.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "record_writer.h"
#include "temporary_folder.h"

namespace fmpn::record {
namespace {

using test::expect_error;
using test::read_text;
using test::TemporaryFolder;

FaceRecord face(int id, const std::string& label) {
  FaceRecord one;
  one.id = id;
  one.box = {10, 20.5F, 100, 110};
  one.score = 1.25;
  one.quality = 0.5;
  one.label = label;
  one.confidence = 0.75;
  one.distribution = {{"anger", 0.25}, {"happiness", 0.75}};
  return one;
}

FrameRecord frame(std::uint64_t number, double time, std::vector<FaceRecord> faces = {}) {
  FrameRecord one;
  one.frame = number;
  one.timestamp = time;
  one.pts = static_cast<std::uint64_t>(time * 1e9);
  one.duration = 0.04;
  one.faces = std::move(faces);
  return one;
}

const std::vector<std::string> kClasses{"anger", "happiness"};

std::string written(Format format, const std::vector<FrameRecord>& frames) {
  const auto formatter = make_formatter(format, "a file");
  std::string text = formatter->begin(kClasses);
  for (const FrameRecord& one : frames) text += formatter->frame(one);
  return text + formatter->end();
}

TEST(RecordFormat, CsvHasOneRowAFaceAndOneForAnEmptyFrame) {
  EXPECT_EQ(written(Format::kCsv, {frame(0, 0), frame(1, 0.04, {face(1, "happiness"), face(7, "anger")})}),
            "frame,timestamp,face_id,x,y,w,h,face_score,quality,label,confidence,anger,happiness\n"
            "0,0.000000,,,,,,,,,,,\n"
            "1,0.040000,1,10.00,20.50,100.00,110.00,1.2500,0.5000,happiness,0.750000,0.250000,0.750000\n"
            "1,0.040000,7,10.00,20.50,100.00,110.00,1.2500,0.5000,anger,0.750000,0.250000,0.750000\n");
}

TEST(RecordFormat, CsvKeepsItsColumnsForAFaceThatIsNotClassifiedAndAFrameWithoutATime) {
  FaceRecord unknown;
  unknown.id = 3;
  FrameRecord timeless;
  timeless.faces = {unknown};
  EXPECT_EQ(written(Format::kCsv, {timeless}).substr(written(Format::kCsv, {}).size()), "0,,3,0.00,0.00,0.00,0.00,0.0000,0.0000,,,,\n");
}

TEST(RecordFormat, CsvQuotesAClassNameWithAComma) {
  EXPECT_NE(make_formatter(Format::kCsv, "a.csv")->begin({"joy, \"pure\""}).find(",\"joy, \"\"pure\"\"\"\n"), std::string::npos);
}

TEST(RecordFormat, CsvRefusesOtherClassesThanItsColumns) {
  const auto formatter = make_formatter(Format::kCsv, "a.csv");
  formatter->begin({"anger", "fear"});
  expect_error(ErrorCode::kRuntime, {"a.csv", "face 1", "columns"}, [&] { formatter->frame(frame(0, 0, {face(1, "anger")})); });
}

TEST(RecordFormat, JsonLinesCarryEverything) {
  const std::string text = written(Format::kJsonl, {frame(0, 0), frame(1, 0.04, {face(2, "happiness")})});
  const auto end = text.find('\n');
  const auto empty = nlohmann::json::parse(text.substr(0, end)), row = nlohmann::json::parse(text.substr(end + 1));
  EXPECT_EQ(empty, nlohmann::json::parse(R"({"frame":0,"timestamp":0.0,"pts":0,"face_id":null})"));
  EXPECT_EQ(row, nlohmann::json::parse(R"({"frame":1,"timestamp":0.04,"pts":40000000,"face_id":2,"x":10.0,"y":20.5,"w":100.0,"h":110.0,
      "face_score":1.25,"quality":0.5,"label":"happiness","confidence":0.75,"probabilities":{"anger":0.25,"happiness":0.75},"frames_ago":0})"));
}

TEST(RecordFormat, VttJoinsFramesOfTheSameLabels) {
  EXPECT_EQ(written(Format::kVtt, {frame(0, 0), frame(1, 0.04, {face(1, "anger")}), frame(2, 0.08, {face(1, "anger")}),
                                   frame(3, 0.12, {face(1, "anger"), face(2, "a<b")}), frame(4, 3600.5)}),
            "WEBVTT\n"
            "\n00:00:00.040 --> 00:00:00.120\n<v Face 1>anger</v>\n"
            "\n00:00:00.120 --> 00:00:00.160\n<v Face 1>anger</v>\n<v Face 2>a&lt;b</v>\n");
}

TEST(RecordFormat, VttDoesNotMindTheOrderOfTheFaces) {
  EXPECT_EQ(written(Format::kVtt, {frame(0, 0, {face(2, "fear"), face(1, "anger")}), frame(1, 0.04, {face(1, "anger"), face(2, "fear")})}),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.080\n<v Face 1>anger</v>\n<v Face 2>fear</v>\n");
}

TEST(RecordFormat, VttEndsACueWhereTheStreamWasLeft) {
  EXPECT_EQ(written(Format::kVtt, {frame(0, 5, {face(1, "anger")}), frame(1, 5.04, {face(1, "anger")}), frame(2, 0, {face(1, "anger")}),
                                   frame(3, 0.5, {face(1, "anger")})}),
            "WEBVTT\n"
            "\n00:00:05.000 --> 00:00:05.080\n<v Face 1>anger</v>\n"
            "\n00:00:00.000 --> 00:00:00.540\n<v Face 1>anger</v>\n")
      << "sought back; the frames that are missing at the end are no seek";
}

TEST(RecordFormat, VttShowsAFrameWithoutADurationAsLongAsTheOneBefore) {
  std::vector<FrameRecord> frames{frame(0, 0), frame(1, 0.5, {face(1, "anger")})};
  for (FrameRecord& one : frames) one.duration.reset();
  EXPECT_EQ(written(Format::kVtt, frames), "WEBVTT\n\n00:00:00.500 --> 00:00:01.000\n<v Face 1>anger</v>\n");
}

TEST(RecordFormat, VttEndsTheLastCueWithItsFrame) {
  EXPECT_EQ(written(Format::kVtt, {frame(0, 1, {face(1, "anger")})}), "WEBVTT\n\n00:00:01.000 --> 00:00:01.040\n<v Face 1>anger</v>\n");
}

TEST(RecordFormat, NamesAreTheSuffixes) {
  for (const Format format : {Format::kJsonl, Format::kCsv, Format::kVtt}) EXPECT_EQ(format_named(name_of(format)), format);
  expect_error(ErrorCode::kBadSetting, {"xlsx"}, [] { format_named("xlsx"); });
}

TEST(RecordWriter, WhatAFrameGaveIsInTheFileAtOnce) {
  const TemporaryFolder folder;
  RecordWriter writer(folder.file("a.csv"), Format::kCsv);
  writer.set_classes(kClasses);
  writer.add(frame(0, 0, {face(1, "anger")}));
  EXPECT_EQ(read_text(folder.file("a.csv")), written(Format::kCsv, {frame(0, 0, {face(1, "anger")})}));
}

TEST(RecordWriter, AnEmptyStreamLeavesTheHeader) {
  const TemporaryFolder folder;
  RecordWriter writer(folder.file("a.vtt"), Format::kVtt);
  writer.complete();
  EXPECT_EQ(read_text(folder.file("a.vtt")), "WEBVTT\n");
}

// Another model takes over: only a table has columns.
TEST(RecordWriter, ClassesMayChangeWhereTheyAreNoColumns) {
  const TemporaryFolder folder;
  FaceRecord other = face(1, "fear");
  other.distribution = {{"fear", 1.0}};
  for (const Format format : {Format::kJsonl, Format::kCsv, Format::kVtt}) {
    RecordWriter writer(folder.file("a"), format);
    writer.set_classes(kClasses);
    writer.add(frame(0, 0, {face(1, "anger")}));
    writer.set_classes({"fear"});
    writer.add(frame(1, 0.04));
    if (format == Format::kCsv) {
      expect_error(ErrorCode::kRuntime, {folder.file("a"), "face 1", "columns"}, [&] { writer.add(frame(2, 0.08, {other})); });
    } else {
      writer.add(frame(2, 0.08, {other}));
      writer.complete();
      EXPECT_NE(read_text(folder.file("a")).find("fear"), std::string::npos);
    }
  }
}

TEST(RecordWriter, AFullDiskIsAnErrorAtOnce) {
  RecordWriter writer("/dev/full", Format::kJsonl);
  expect_error(ErrorCode::kIo, {"/dev/full", "No space left"}, [&] { writer.add(frame(0, 0)); });
}

TEST(RecordWriter, AFileThatCannotBeMadeIsNamed) {
  expect_error(ErrorCode::kIo, {"/no/such/folder/a.csv", "No such file"}, [] { RecordWriter("/no/such/folder/a.csv", Format::kCsv); });
}

}  // namespace
}  // namespace fmpn::record
