// The parts of fmpn-annotate that need no pipeline.
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "environment.h"
#include "expect_error.h"
#include "inputs.h"
#include "manifest.h"
#include "overall.h"
#include "result_check.h"
#include "result_folder.h"
#include "shard.h"
#include "summary.h"
#include "temporary_folder.h"
#include "thumbnails.h"

namespace fmpn::annotate {
namespace {

using test::expect_error;
using test::Environment;
using test::TemporaryFolder;
using test::write_text;

std::vector<std::string> names_of(const std::vector<Input>& inputs) {
  std::vector<std::string> names;
  for (const Input& input : inputs) names.push_back(input.name);
  return names;
}

class Inputs : public ::testing::Test {
 protected:
  std::vector<Input> collect(std::vector<std::string> arguments, const std::string& list = "") {
    std::istringstream lines(list);
    for (std::string& argument : arguments)
      if (argument != "-" && argument[0] != '/' && argument.find("://") == std::string::npos) argument = folder_.file(argument);
    return collect_inputs(arguments, folder_.file("out"), lines);
  }
  void make(const std::string& name) { write_text(folder_.file(name), "x"); }
  const TemporaryFolder folder_;
};

TEST_F(Inputs, AFolderGivesItsVideosAndPicturesInOrder) {
  for (const char* name : {"r/b.mp4", "r/a.MKV", "r/day1/c.jpg", "r/day2/d.JFIF", "r/notes.txt", "r/.hidden"}) make(name);
  EXPECT_EQ(names_of(collect({"r"})), (std::vector<std::string>{"a", "b", "day1/c", "day2/d"}));
}

TEST_F(Inputs, ResultsAreNoInputs) {
  make("a.mp4");
  make("out/a/a.mp4");
  EXPECT_EQ(names_of(collect({folder_.path().string()})), (std::vector<std::string>{"a"}));
}

TEST_F(Inputs, AGlobAListAndAUri) {
  for (const char* name : {"a1.mp4", "a2.mp4", "b.mp4"}) make(name);
  EXPECT_EQ(names_of(collect({"a?.mp4", "-", "https://example.org/films/talk.webm?x=1"}, folder_.file("b.mp4") + "\n\n")),
            (std::vector<std::string>{"a1", "a2", "b", "talk"}));
  const auto file = collect({"file://" + folder_.file("b.mp4")});
  ASSERT_EQ(file.size(), 1U);
  EXPECT_EQ(file[0].path, std::filesystem::canonical(folder_.file("b.mp4")));
}

TEST_F(Inputs, AListThatNamesNothingIsAnError) {
  make("a.mp4");
  for (const char* list : {"", "\n\n"}) expect_error(ErrorCode::kBadSetting, {"names no input"}, [&] { collect({"a.mp4", "-"}, list); });
}

TEST_F(Inputs, WhatCannotBeReadIsListedWithItsReason) {
  make("a.mp4");
  std::filesystem::create_directory(folder_.path() / "empty");
  const auto inputs = collect({"no.mp4", "x*.mp4", "empty", "a.mp4"});
  ASSERT_EQ(inputs.size(), 4U);
  EXPECT_EQ(inputs[0].problem, "no such file");
  EXPECT_EQ(inputs[1].problem, "no file matches");
  EXPECT_EQ(inputs[2].problem, "a folder without a video or a picture");
  EXPECT_EQ(inputs[3].problem, "");
}

TEST_F(Inputs, MotionJpegIsAFilmAndAGifIsRefused) {
  const std::string jpeg = test::read_text("/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg");
  if (jpeg.empty()) GTEST_SKIP() << "the photograph is not installed";
  write_text(folder_.file("r/a.mjpg"), jpeg + jpeg);
  write_text(folder_.file("r/b.MJPEG"), jpeg + jpeg);
  write_text(folder_.file("r/c.jpg"), jpeg);
  write_text(folder_.file("r/d.gif"), "GIF89a...");
  const auto folder = collect({"r"});
  EXPECT_EQ(names_of(folder), (std::vector<std::string>{"a", "b", "c"})) << "a GIF in a folder is passed over";
  for (const Input& input : folder) EXPECT_EQ(input.image, input.name == "c") << input.name;
  write_text(folder_.file("moving"), "GIF87a...");
  for (const char* name : {"r/d.gif", "moving", "https://example.org/wave.GIF"}) {
    const auto one = collect({name});
    ASSERT_EQ(one.size(), 1U);
    EXPECT_NE(one[0].problem.find("convert it"), std::string::npos) << name;
  }
}

TEST_F(Inputs, TheOutputFolderIsNoInput) {
  make("out/a/a.mp4");
  const auto inputs = collect({"out"});
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_NE(inputs[0].problem.find("output folder"), std::string::npos);
}

TEST_F(Inputs, AFileNamedTwiceIsOneInput) {
  make("r/a.mp4");
  EXPECT_EQ(collect({"r", "r/a.mp4", "r/../r/a.mp4"}).size(), 1U);
}

TEST_F(Inputs, NamesAreTheirOwnAndNoneIsAnothersFolder) {
  for (const char* name : {"r/a.mp4", "r/a.mkv", "s/a.mp4", "s/summary.json.mp4", "s/x.partial.mp4", "s/d.mp4", "s/d/e.mp4"}) make(name);
  const auto names = names_of(collect({"r", "s"}));
  const std::set<std::string> unique(names.begin(), names.end());
  EXPECT_EQ(unique.size(), names.size());
  EXPECT_EQ(unique.count("a.mkv"), 1U);
  EXPECT_EQ(unique.count("d.mp4"), 1U);
  EXPECT_EQ(unique.count("d/e"), 1U);
  EXPECT_EQ(unique.count("summary.json"), 0U);
  EXPECT_EQ(unique.count("x.partial"), 0U);
}

TEST_F(Inputs, NamesAreTextWhateverTheFileIsCalled) {
  make("bad\xff\nname.mp4");
  make("Größe ä.mp4");
  const auto names = names_of(collect({folder_.path().string()}));
  EXPECT_EQ(names, (std::vector<std::string>{"Größe ä", "bad%FF%0Aname"}));
}

TEST(ShardTest, EveryInputBelongsToOneAndPartsAreAboutEqual) {
  std::vector<int> sizes(8);
  for (int i = 0; i < 4000; ++i) {
    int owners = 0;
    for (int s = 0; s < 8; ++s)
      if (belongs("day" + std::to_string(i % 9) + "/recording-" + std::to_string(i), {s, 8}))
        ++owners, ++sizes[static_cast<std::size_t>(s)];
    ASSERT_EQ(owners, 1);
  }
  for (const int size : sizes) EXPECT_NEAR(size, 500, 100);
}

TEST(ShardTest, TheHashIsStable) {
  // Frozen: processes of different builds have to agree on who takes what.
  std::string of;
  for (const char* name : {"a", "b", "day1/c", "interview"})
    for (int s = 0; s < 4; ++s)
      if (belongs(name, {s, 4})) of += std::to_string(s);
  EXPECT_EQ(of, "0013");  // the first 60 bits of SHA-256, modulo 4
}

TEST(ShardTest, ReadsIOfN) {
  EXPECT_EQ(parse_shard("3/64").index, 3);
  EXPECT_EQ(parse_shard("3/64").count, 64);
  for (const char* text : {"64/64", "-1/4", "1", "/", "1/0", "a/b", "1/2/3", ""})
    expect_error(ErrorCode::kBadSetting, {"shard"}, [&] { parse_shard(text); });
}

TEST(ShardTest, SlurmsArrayIsTheDefault) {
  Environment environment;
  const std::string array = "SLURM_ARRAY_TASK_";
  const auto set = [&](const char* id, const char* count, const char* min, const char* max, const char* step) {
    environment.set(array + "ID", id), environment.set(array + "COUNT", count), environment.set(array + "MIN", min);
    environment.set(array + "MAX", max), environment.set(array + "STEP", step);
  };
  for (const char* name : {"ID", "COUNT", "MIN", "MAX", "STEP"}) environment.unset(array + name);
  EXPECT_TRUE(shard_of_environment().whole());
  set("5", "4", "1", "7", "2");
  EXPECT_EQ(shard_of_environment().index, 2);
  EXPECT_EQ(shard_of_environment().count, 4);
  set("7", "2", "3", "7", "1");  // --array=3,7
  expect_error(ErrorCode::kBadSetting, {"--shard"}, [] { shard_of_environment(); });
}

Entry entry(const std::string& name, State state) {
  Entry one;
  one.name = name;
  one.source = "/films/" + name + ".mp4";
  one.state = state;
  one.reason = state == State::kFailed ? "broken" : "";
  one.settings = "s";
  one.fingerprint = {12, 34, "abc"};
  return one;
}

TEST(ManifestTest, KeepsWhatItWasTold) {
  const TemporaryFolder folder;
  {
    Manifest manifest(folder.path().string(), {}, false);
    manifest.add(entry("a", State::kPartial));
    manifest.add(entry("a", State::kDone));
    manifest.add(entry("b", State::kFailed));
  }
  Manifest manifest(folder.path().string(), {}, true);
  ASSERT_TRUE(manifest.find("a"));
  EXPECT_EQ(manifest.find("a")->state, State::kDone);
  EXPECT_EQ(manifest.find("a")->fingerprint, (Fingerprint{12, 34, "abc"}));
  EXPECT_EQ(manifest.find("b")->reason, "broken");
  EXPECT_FALSE(manifest.find("c"));
}

TEST(ManifestTest, ATornLineIsPassedOverAndWrittenOver) {
  const TemporaryFolder folder;
  { Manifest(folder.path().string(), {}, false).add(entry("a", State::kDone)); }
  const std::string path = folder.file("manifest.jsonl");
  std::ofstream(path, std::ios::app) << R"({"name":"b","sta)";
  {
    Manifest manifest(folder.path().string(), {}, true);
    EXPECT_TRUE(manifest.find("a"));
    manifest.add(entry("c", State::kDone));
  }
  EXPECT_EQ(read_manifest(path).entries.size(), 2U);
}

TEST(ManifestTest, ARunOfOtherInputsForgetsNone) {
  const TemporaryFolder folder;
  { Manifest(folder.path().string(), {}, false).add(entry("a", State::kDone)); }
  { Manifest(folder.path().string(), {}, false).add(entry("b", State::kFailed)); }
  EXPECT_TRUE(Manifest(folder.path().string(), {}, true).find("a"));
  const auto manifest = read_manifest(folder.file("manifest.jsonl"));
  EXPECT_EQ(manifest.entries.size(), 2U);
  EXPECT_TRUE(manifest.last_run.empty()) << "the last one, which resumed, has done nothing yet";
}

TEST(ManifestTest, OneProcessAtATime) {
  const TemporaryFolder folder;
  const Manifest first(folder.path().string(), {}, false);
  expect_error(ErrorCode::kBadSetting, {"another fmpn-annotate"}, [&] { Manifest(folder.path().string(), {}, true); });
  const Manifest other_shard(folder.path().string(), {1, 2}, false);
}

TEST(ManifestTest, ADamagedOneIsNamedWithItsLine) {
  const TemporaryFolder folder;
  write_text(folder.file("manifest.jsonl"), "{\"manifest\":\"fmpn-annotate\",\"version\":1,\"shard\":0,\"shards\":1}\n{\"name\":3}\n");
  expect_error(ErrorCode::kBadFormat, {"manifest.jsonl", "line 2"}, [&] { Manifest(folder.path().string(), {}, true); });
  { Manifest(folder.path().string(), {}, false).add(entry("a", State::kDone)); }
  EXPECT_EQ(read_manifest(folder.file("manifest.jsonl")).entries.size(), 1U) << "begun anew";
}

TEST(MergeTest, NeedsEveryShardAtItsEnd) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::kNotFound, {"no shard"}, [&] { merge_shards(folder.path().string()); });
  for (int i = 0; i < 3; ++i) {
    Manifest manifest(folder.path().string(), {i, 4}, false);
    manifest.add(entry("r" + std::to_string(9 - i), State::kFailed));
    if (i != 1) manifest.complete(1);
  }
  expect_error(ErrorCode::kBadSetting, {"missing or not at their end: 1, 3"}, [&] { merge_shards(folder.path().string()); });
  {
    Manifest again(folder.path().string(), {1, 4}, true);
    again.add(*again.find("r8"));
    again.complete(1);
  }
  { Manifest(folder.path().string(), {3, 4}, false).complete(0); }
  const auto entries = merge_shards(folder.path().string());
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "r7");
  {
    Manifest again(folder.path().string(), {0, 4}, true);
    EXPECT_TRUE(again.find("r9")) << "of a run before";
    again.add(entry("s", State::kDone));
    again.complete(1);
  }
  const auto later = merge_shards(folder.path().string());
  ASSERT_EQ(later.size(), 3U) << "what the last run no longer had does not count";
  EXPECT_EQ(later[2].name, "s");
  { Manifest(folder.path().string(), {0, 2}, false).complete(0); }
  expect_error(ErrorCode::kBadSetting, {"different runs"}, [&] { merge_shards(folder.path().string()); });
}

TEST(ResultFolderTest, ReplacesItsOwnResultsAndNothingElse) {
  const TemporaryFolder folder;
  const std::string out = folder.path().string();
  for (const char* text : {"first", "second"}) {
    ResultFolder result(out, "day1/a");
    EXPECT_FALSE(std::filesystem::exists(result.partial() + "/old"));
    write_text(result.partial() + "/x.csv", text);
    write_text(result.partial() + "/summary.json", R"({"generator":"fmpn-annotate"})");
    result.commit();
    EXPECT_EQ(test::read_text(folder.file("day1/a/x.csv")), text);
    EXPECT_FALSE(std::filesystem::exists(result.partial()));
  }
  write_text(folder.file("mine/notes.txt"), "precious");
  expect_error(ErrorCode::kBadSetting, {"mine", "no result"}, [&] { ResultFolder(out, "mine"); });
  EXPECT_EQ(test::read_text(folder.file("mine/notes.txt")), "precious");
}

TEST(ResultFolderTest, AUsersPartialFolderIsNotReplacedItsOwnIs) {
  const TemporaryFolder folder;
  const std::string out = folder.path().string();
  write_text(folder.file("mine.partial/notes.txt"), "precious");
  expect_error(ErrorCode::kBadSetting, {"mine.partial", "not made by fmpn-annotate"}, [&] { ResultFolder(out, "mine"); });
  EXPECT_EQ(test::read_text(folder.file("mine.partial/notes.txt")), "precious");
  write_text(folder.file("file.partial"), "precious");
  expect_error(ErrorCode::kBadSetting, {"file.partial"}, [&] { ResultFolder(out, "file"); });
  std::filesystem::create_directory(folder.file("empty.partial"));
  ResultFolder(out, "empty");

  write_text(ResultFolder(out, "a").partial() + "/a.csv", "cut off");
  write_text(folder.file("b.partial/summary.json"), R"({"generator":"fmpn-annotate"})");
  for (const char* name : {"a", "b"}) {
    ResultFolder again(out, name);
    EXPECT_FALSE(std::filesystem::exists(again.partial() + "/a.csv"));
    again.commit();
    EXPECT_TRUE(std::filesystem::is_empty(again.whole())) << "the marker is no result";
  }
}

TEST(ResultCheck, CountsFramesAndFindsHoles) {
  const TemporaryFolder folder;
  const auto count = [&](const std::string& text, record::Format format) {
    write_text(folder.file("x"), text);
    return count_frames(folder.file("x"), format);
  };
  EXPECT_EQ(count("frame,t\n0,\n1,a\n1,b\n2,\n", record::Format::kCsv), 3U);
  EXPECT_EQ(count("{\"frame\":0}\n{\"frame\":1,\"x\":2}\n", record::Format::kJsonl), 2U);
  for (const char* text : {"frame,t\n0,\n2,\n", "frame,t\n1,\n", "frame,t\n0,\n1,\n0,\n", "frame,t\n0,\n1,", "frame,t\n0,\n\n"})
    expect_error(ErrorCode::kBadFormat, {"row"}, [&] { count(text, record::Format::kCsv); });
}

TEST(ResultCheck, EveryDecodedFrameIsInEveryOutput) {
  const TemporaryFolder folder;
  write_text(folder.file("film.csv"), "frame,t\n0,\n1,\n");
  write_text(folder.file("film.jsonl"), "{\"frame\":0}\n{\"frame\":1}\n");
  const auto check = [&](std::uint64_t decoded, std::uint64_t encoded, std::uint64_t summarised) {
    MediaResult media;
    media.decoded = decoded, media.encoded = encoded;
    check_frames(media, {record::Format::kCsv, record::Format::kJsonl, record::Format::kVtt}, folder.path().string(), "film", summarised);
  };
  check(2, 2, 2);
  expect_error(ErrorCode::kRuntime, {"the summary has 1 "}, [&] { check(2, 2, 1); });
  expect_error(ErrorCode::kRuntime, {"video has 1 "}, [&] { check(2, 1, 2); });
  expect_error(ErrorCode::kRuntime, {"csv has 2 ", "decoded were 3"}, [&] { check(3, 3, 3); });
  write_text(folder.file("film.jsonl"), "{\"frame\":0}\n");
  expect_error(ErrorCode::kRuntime, {"jsonl has 1 "}, [&] { check(2, 2, 2); });
  expect_error(ErrorCode::kRuntime, {"no frame"}, [&] { check_frames({}, {}, folder.path().string(), "film", 0); });
}

TEST(ResultCheck, AFilmThatEndsBeforeItsEndIsCutOff) {
  MediaResult media;
  media.reached = 95;
  check_length(media);  // announces nothing
  media.announced = 96;
  check_length(media);
  media.announced = 100;
  expect_error(ErrorCode::kRuntime, {"cut off", "95.0 of the 100.0"}, [&] { check_length(media); });
}

record::FaceRecord face(int id, const std::string& label, double happiness) {
  record::FaceRecord one;
  one.id = id;
  one.label = label;
  one.distribution = {{"anger", 1 - happiness}, {"happiness", happiness}};
  return one;
}

record::FrameRecord frame(double time, std::vector<record::FaceRecord> faces) {
  record::FrameRecord one;
  one.timestamp = time;
  one.duration = 0.5;
  one.faces = std::move(faces);
  return one;
}

TEST(SummaryTest, TimesOnsetsAndTheDominantExpression) {
  Summary summary;
  summary.add(frame(0, {face(1, "anger", 0)}));
  summary.add(frame(0.5, {face(1, "happiness", 1), face(2, "uncertain", 0.5)}));
  summary.add(frame(2.5, {face(1, "happiness", 1)}));  // after a gap: the frame before lasted two seconds
  summary.add(frame(3.0, {}));
  summary.add(frame(5.0, {face(1, "happiness", 0.5)}));  // away for two seconds: begins anew
  summary.finish();
  const auto json = summary_json(summary);
  EXPECT_EQ(json["frames"], 5);
  EXPECT_EQ(json["frames_with_face"], 4);
  EXPECT_DOUBLE_EQ(json["seconds"], 5.5);
  const auto& one = json["faces"][0];
  EXPECT_EQ(one["dominant"], "happiness");
  EXPECT_DOUBLE_EQ(one["time_in"]["anger"], 0.5);
  EXPECT_DOUBLE_EQ(one["time_in"]["happiness"], 3.0);
  EXPECT_EQ(one["onsets"]["happiness"], 2);
  EXPECT_EQ(one["episodes"].size(), 3U);
  EXPECT_DOUBLE_EQ(one["episodes"][1]["start"], 0.5);
  EXPECT_DOUBLE_EQ(one["episodes"][1]["end"], 3.0);
  EXPECT_DOUBLE_EQ(one["mean"]["happiness"], 0.625);
  EXPECT_DOUBLE_EQ(one["last"], 5.5);
  EXPECT_TRUE(json["faces"][1]["dominant"].is_null()) << "uncertain is no expression";
  EXPECT_EQ(json["dominant"], "happiness");
}

TEST(SummaryTest, OfAPictureWhatMostFacesShowIsDominant) {
  Summary summary;
  record::FrameRecord picture = frame(0, {face(1, "happiness", 1), face(2, "anger", 0), face(3, "happiness", 1), face(4, "uncertain", 0.5)});
  picture.duration = 0;
  summary.add(picture);
  summary.finish();
  EXPECT_EQ(summary_json(summary)["dominant"], "happiness");
  EXPECT_EQ(summary_json(summary)["faces"][1]["dominant"], "anger");
}

TEST(TimelineTest, StaysSmallHoweverLongTheStream) {
  Timeline timeline(100, 0.04);
  const int frames = 25 * 3600;
  for (int i = 0; i < frames; ++i) timeline.add(1, i * 0.04, (i + 1) * 0.04, {{"anger", i < frames / 2 ? 1.0 : 0.0}});
  const auto& bins = timeline.faces().at(1);
  EXPECT_LE(bins.size(), 100U);
  EXPECT_GE(bins.size(), 50U);
  int total = 0;
  for (const auto& [number, bin] : bins) total += bin.frames;
  EXPECT_EQ(total, frames);
  EXPECT_DOUBLE_EQ(bins.begin()->second.sum[0] / bins.begin()->second.frames, 1);
  EXPECT_DOUBLE_EQ(bins.rbegin()->second.sum[0], 0);
  EXPECT_DOUBLE_EQ(bins.rbegin()->second.end, frames * 0.04);
}

TEST(ThumbnailsTest, KeepsTheBestAndStaysInsideTheFrame) {
  const std::vector<std::uint8_t> pixels(64 * 48 * 3, 100);
  const ImageView view{pixels.data(), 64, 48, 64 * 3, PixelFormat::kRgb8};
  Thumbnails thumbnails(16);
  EXPECT_TRUE(thumbnails.wants(1, 0));
  thumbnails.add(1, 0.5, view, {50, 40, 30, 30});
  EXPECT_FALSE(thumbnails.wants(1, 0.55));
  EXPECT_TRUE(thumbnails.wants(1, 0.9));
  EXPECT_GT(thumbnails.jpeg_base64(1).size(), 100U);
  EXPECT_EQ(thumbnails.jpeg_base64(2), "");
  thumbnails.add(3, 0.5, view, {200, 200, 30, 30});
  EXPECT_EQ(thumbnails.jpeg_base64(3), "");
}

}  // namespace
}  // namespace fmpn::annotate
