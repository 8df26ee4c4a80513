// fmpn-annotate: what comes out.
#include <algorithm>
#include <cstdio>
#include <set>

#include <opencv2/imgcodecs.hpp>

#include "annotate_program.h"
#include "frames.h"

namespace fmpn::test {
namespace {

TEST_F(AnnotateProgram, AFilmGivesItsVideoRowsSummaryAndReport) {
  VideoSpec spec;
  spec.sound = true;
  make_video(file("film.mp4"), spec);
  const Outcome run = annotate({"film.mp4"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Decoded video = decode(out("film/film.mp4"), true);
  EXPECT_EQ(video.frames, 8);
  EXPECT_GT(video.sounds, 0);
  EXPECT_EQ(video.width, 256);
  EXPECT_NEAR(video.seconds, 0.8, 0.01);

  const auto csv = lines("film/film.csv"), jsonl = lines("film/film.jsonl");
  ASSERT_EQ(csv.size(), 9U);
  EXPECT_EQ(csv[0],
            "frame,timestamp,face_id,x,y,w,h,face_score,quality,label,confidence,anger,disgust,fear,happiness,sadness,surprise,neutral");
  EXPECT_EQ(csv[8].substr(0, 13), "7,0.700000,1,");
  ASSERT_EQ(jsonl.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto row = nlohmann::json::parse(jsonl[i]);
    EXPECT_EQ(row.at("frame"), i);
    EXPECT_EQ(row.at("frames_ago"), 0);
  }
  EXPECT_EQ(lines("film/film.vtt").at(0), "WEBVTT");

  const auto summary = json("film/summary.json");
  EXPECT_EQ(summary.at("frames"), 8);
  EXPECT_NEAR(summary.at("seconds"), 0.8, 0.01);
  ASSERT_EQ(summary.at("faces").size(), 1U);
  EXPECT_EQ(summary.at("faces")[0].at("frames"), 8);
  EXPECT_EQ(json("summary.json").at("totals").at("done"), 1);
  EXPECT_FALSE(is_there("film.partial"));
}

TEST_F(AnnotateProgram, EveryContainerAndNone) {
  VideoSpec spec;
  spec.frames = 3;
  spec.sound = true;
  make_video(file("film.mp4"), spec);
  for (const std::string kind : {"mkv", "webm"}) {
    const Outcome run = annotate({"film.mp4", "--video", kind, "--data", "csv", "--no-report"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Decoded video = decode(out("film/film." + kind), true);
    EXPECT_EQ(video.frames, 3) << kind;
    EXPECT_GT(video.sounds, 0) << kind;
    EXPECT_FALSE(is_there("film/film.mp4")) << "of the run before";
    EXPECT_FALSE(is_there("film/film.jsonl"));
    EXPECT_FALSE(is_there("film/report.html"));
  }
  const Outcome none = annotate({"film.mp4", "--video", "none", "--data", "none"});
  ASSERT_EQ(none.status, 0) << none.err;
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(out("film"))) files.insert(entry.path().filename());
  EXPECT_TRUE(files == (std::set<std::string>{"summary.json", "report.html"}) || files == std::set<std::string>{"summary.json"});
}

TEST_F(AnnotateProgram, AFilmWithoutAFaceHasARowForEveryFrame) {
  run_pipeline(
      "videotestsrc num-buffers=5 pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1 ! x264enc ! matroskamux ! filesink "
      "location=" +
      file("empty.mkv"));
  const Outcome run = annotate({"empty.mkv"});
  ASSERT_EQ(run.status, 0) << run.err;
  ASSERT_EQ(lines("empty/empty.csv").size(), 6U);
  EXPECT_EQ(lines("empty/empty.csv")[5], "4,0.160000,,,,,,,,,,,,,,,,");
  EXPECT_EQ(json("empty/summary.json").at("frames_with_face"), 0);
}

TEST_F(AnnotateProgram, APictureGivesAPicture) {
  std::filesystem::copy_file(photograph_path(), file("portrait.jpg"));
  const auto drawn = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"portrait.jpg", "--no-report"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome run = annotate(arguments);
    EXPECT_EQ(run.status, 0) << run.err;
    const Image picture = read_image(out("portrait/portrait.jpg"));
    return cv::Mat(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.pixels.data())).clone();
  };
  const cv::Rect face = face_in(photo_), inside = scaled(face, 0.5, photo_.size());
  const cv::Mat plain = drawn({});
  EXPECT_EQ(lines("portrait/portrait.csv").size(), 2U);
  EXPECT_EQ(json("portrait/summary.json").at("image"), true);
  expect_box_drawn(photo_, plain, face);
  expect_face_hidden(photo_, drawn({"--anonymize", "box"}), face);
  EXPECT_GT(difference(photo_, drawn({"--show-mask"}), inside), 2 * difference(photo_, plain, inside));
}

TEST_F(AnnotateProgram, WhatTheElementsAreToldArrives) {
  const Image photo = read_image(photograph_path());
  const cv::Mat one(photo.height, photo.width, CV_8UC3, const_cast<std::uint8_t*>(photo.pixels.data()));
  cv::Mat two;
  cv::hconcat(one, one, two);
  cv::resize(two, two, {}, 0.24, 0.24, cv::INTER_AREA);  // faces of 50 px, of less quality than 1
  write_image(file("two.png"), view_of(two));
  const auto rows = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"two.png", "--no-report", "--video", "none"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome run = annotate(arguments);
    EXPECT_EQ(run.status, 0) << run.err;
    return lines("two/two.csv");
  };
  const auto sure = rows({"--min-confidence", "0", "--min-face-size", "32"});
  ASSERT_EQ(sure.size(), 3U);
  EXPECT_FALSE(contains(sure[1], ",uncertain,"));
  EXPECT_TRUE(contains(rows({"--min-confidence", "1", "--min-face-size", "32"})[1], ",uncertain,"));
  const auto best = rows({"--min-confidence", "0", "--min-face-size", "32", "--min-quality", "1", "--max-faces", "1"});
  ASSERT_EQ(best.size(), 2U);
  EXPECT_TRUE(contains(best[1], ",uncertain,"));
  EXPECT_EQ(rows({"--min-face-size", "80"}).at(1).substr(0, 12), "0,0.000000,,");
  EXPECT_EQ(rows({"--min-face-size", "32", "--detection-threshold", "5"}).at(1).substr(0, 12), "0,0.000000,,");
}

/// A JPEG with an EXIF block that says how to turn it.
std::string with_orientation(const std::string& jpeg, char orientation) {
  std::string exif("\xFF\xE1\0\x22" "Exif\0\0" "II*\0\x08\0\0\0" "\x01\0" "\x12\x01\x03\0\x01\0\0\0?\0\0\0" "\0\0\0\0", 36);
  exif[28] = orientation;
  return jpeg.substr(0, 2) + exif + jpeg.substr(2);
}

TEST_F(AnnotateProgram, PicturesAreReadAsTheLibraryReadsThem) {
  cv::Mat bgr, side;
  cv::cvtColor(photo_, bgr, cv::COLOR_RGB2BGR);
  cv::resize(bgr, bgr, {257, 301}, 0, 0, cv::INTER_AREA);  // rows whose bytes are no multiple of four
  for (const char* name : {"b.bmp", "t.tiff"}) ASSERT_TRUE(cv::imwrite(file(name), bgr));
  cv::rotate(bgr, side, cv::ROTATE_90_COUNTERCLOCKWISE);
  ASSERT_TRUE(cv::imwrite(file("turned.jpg"), side));
  write_text(file("turned.jpg"), with_orientation(read_text(file("turned.jpg")), 6));
  const Outcome run = annotate({"b.bmp", "t.tiff", "turned.jpg"});
  ASSERT_EQ(run.status, 0) << run.err;
  for (const std::string name : {"b", "t", "turned"}) {
    const Image drawn = read_image(out(name + "/" + name + ".jpg"));
    EXPECT_EQ(drawn.width, 257) << name;
    EXPECT_EQ(drawn.height, 301) << name;
    EXPECT_EQ(json(name + "/summary.json").at("faces").size(), 1U) << name;
    EXPECT_EQ(lines(name + "/" + name + ".csv").at(1).substr(0, 13), "0,0.000000,1,") << name;
  }
}

TEST_F(AnnotateProgram, OddSizesWidePixelsAndTurnedFilms) {
  VideoSpec odd, wide, turned;
  odd.frames = wide.frames = turned.frames = 3;
  odd.width = 255, odd.height = 301, odd.format = "Y444";
  wide.width = 128, wide.caps = ",pixel-aspect-ratio=2/1";
  // Lies on its side in the file, with a tag that says how to turn it.
  turned.filter = "videoflip video-direction=90l ! ";
  make_video(file("odd.mkv"), [&] { odd.muxer = "matroskamux"; return odd; }());
  make_video(file("wide.mp4"), wide);
  make_video(file("turned.mp4"), turned);
  turn_in_file(file("turned.mp4"));
  ASSERT_EQ(decode(file("turned.mp4"), false).width, 300) << "of the frames as they are stored";
  const Outcome run = annotate({"odd.mkv", "wide.mp4", "turned.mp4"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(decode(out("odd/odd.mp4"), false).width, 256);
  EXPECT_EQ(decode(out("odd/odd.mp4"), false).height, 302);
  for (const std::string name : {"wide", "turned"}) {
    const Decoded video = decode(out(name + "/" + name + ".mp4"), false);
    EXPECT_EQ(video.width, 256) << name;
    EXPECT_EQ(video.height, 300) << name;
  }
  for (const std::string name : {"odd", "wide", "turned"}) EXPECT_EQ(json(name + "/summary.json").at("faces").size(), 1U) << name;
}

TEST_F(AnnotateProgram, FilmsOfFullRangeKeepTheirTones) {
  make_video(file("jpegs.avi"), camera_jpegs());
  make_video(file("recorder.mkv"), full_range_recording());
  for (const std::string kind : {"mp4", "webm"}) {
    const Outcome run = annotate({"jpegs.avi", "recorder.mkv", "--video", kind, "--data", "none", "--no-report"});
    ASSERT_EQ(run.status, 0) << run.err;
    for (const std::string film : {"jpegs.avi", "recorder.mkv"}) {
      const std::string stem = film.substr(0, film.find('.'));
      EXPECT_LE(tones_apart(frame_of(file(film), 4), frame_of(out(stem + "/" + stem + "." + kind), 4)), 3) << film << " to " << kind;
    }
  }
}

TEST_F(AnnotateProgram, AStreamThatChangesItsSizeStaysOneVideo) {
  VideoSpec small, large;
  small.frames = large.frames = 4;
  small.muxer = large.muxer = "mpegtsmux";
  large.width = 512, large.height = 600;
  make_video(file("1.ts"), large);
  make_video(file("2.ts"), small);
  write_text(file("both.ts"), read_text(file("1.ts")) + read_text(file("2.ts")));
  const Outcome run = annotate({"both.ts"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Decoded video = decode(out("both/both.mp4"), false);
  EXPECT_EQ(video.frames, json("both/summary.json").at("frames"));
  EXPECT_GE(video.frames, 7);
  EXPECT_EQ(video.width, 512);
}

TEST_F(AnnotateProgram, HiddenFacesAreHiddenInTheFilmAndInItsReport) {
  VideoSpec spec;
  spec.frames = 2;
  make_video(file("film.mp4"), spec);
  const cv::Mat before = frame_of(file("film.mp4"), 1);
  ASSERT_EQ(annotate({"film.mp4"}).status, 0);
  expect_box_drawn(before, frame_of(out("film/film.mp4"), 1), face_in(before));
  const std::string shown = is_there("film/report.html") ? read_text(out("film/report.html")) : "";
  ASSERT_EQ(annotate({"film.mp4", "--anonymize", "box"}).status, 0);
  expect_face_hidden(before, frame_of(out("film/film.mp4"), 1), face_in(before));
  if (!is_there("film/report.html")) GTEST_SKIP() << "this build is without the report";
  EXPECT_TRUE(contains(shown, "\"thumbnail\":\"/9j/"));
  EXPECT_TRUE(contains(read_text(out("film/report.html")), "\"thumbnail\":\"\""));
  EXPECT_FALSE(contains(read_text(out("film/report.html")), "\"thumbnail\":\"/9j/"));
}

/// A name that is markup: unescaped, it would begin a comment, a script and a character reference.
constexpr const char* kOddName = "<!--<script>&lt;.mp4";

class Report : public AnnotateProgram {
 protected:
  /// Inputs of every kind that has a page of its own look.
  void make_inputs() const {
    VideoSpec film, slow, one;
    film.frames = 25;
    film.sound = true;
    slow.filter = "videorate max-rate=5 ! ";
    one.frames = 1;
    make_video(file("film.mp4"), film);
    make_video(file("slow.mp4"), slow);
    make_video(file("one.mp4"), one);
    std::filesystem::copy_file(file("film.mp4"), file(kOddName));
    std::filesystem::copy_file(photograph_path(), file("portrait.jpg"));
    cv::imwrite(file("blank.png"), cv::Mat(300, 400, CV_8UC3, cv::Scalar::all(90)));
    run_pipeline("videotestsrc num-buffers=5 pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1 ! x264enc ! mp4mux ! filesink "
                 "location=" + file("empty.mp4"));
    make_crowd();
  }

  /// A film of more faces than a page shows.
  void make_crowd() const {
    cv::Mat face, bgr;
    cv::resize(photo_(cv::Rect(80, 40, 320, 320)), face, {200, 200}, 0, 0, cv::INTER_AREA);
    cv::cvtColor(cv::repeat(face, 6, 7), bgr, cv::COLOR_RGB2BGR);
    cv::imwrite(file("crowd.tmp.png"), bgr);
    run_pipeline("filesrc location=" + file("crowd.tmp.png") + " ! pngdec ! imagefreeze num-buffers=2 ! video/x-raw,framerate=5/1 ! "
                 "videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast ! mp4mux ! filesink location=" + file("crowd.mp4"));
  }

  /// How the pages look in a browser; `mode` is embedded or linked.
  Outcome browse(const std::string& mode) const {
    const std::string root = std::getenv("FMPN_SOURCE_ROOT");
    return run_program({"/usr/bin/python3", root + "/tests/pipelines/report_in_browser.py", out(), mode});
  }
};

TEST_F(Report, WorksInABrowser) {
  make_inputs();
  ASSERT_EQ(annotate({"film.mp4", kOddName, "slow.mp4", "one.mp4", "empty.mp4", "crowd.mp4", "portrait.jpg", "blank.png", "no.mp4",
                      "--max-faces", "60"}).status, 1);
  if (!is_there("film/report.html")) GTEST_SKIP() << "this build is without the report";
  const Outcome embedded = browse("embedded");
  if (embedded.status == 77) GTEST_SKIP() << embedded.out;
  EXPECT_EQ(embedded.status, 0) << embedded.out << embedded.err;

  ASSERT_EQ(annotate({"film.mp4", kOddName, "portrait.jpg", "--report-video", "link"}).status, 0);
  const Outcome linked = browse("linked");
  EXPECT_EQ(linked.status, 0) << linked.out << linked.err;
}

TEST_F(AnnotateProgram, JobsChangeNothingInTheResults) {
  VideoSpec spec;
  for (const char* name : {"a.mp4", "b.mp4", "c.mp4"}) {
    spec.frames += 2;
    make_video(file(name), spec);
  }
  std::vector<std::string> before;
  for (const char* jobs : {"1", "3"}) {
    ASSERT_EQ(annotate({"a.mp4", "b.mp4", "c.mp4", "--jobs", jobs, "--no-report"}).status, 0);
    std::vector<std::string> now;
    for (const std::string name : {"a", "b", "c"}) now.push_back(read_text(out(name + "/" + name + ".csv")));
    if (before.empty()) before = now;
    EXPECT_EQ(now, before);
  }
}

TEST_F(AnnotateProgram, ProgressAsJsonPlainOrNotAtAll) {
  VideoSpec spec;
  spec.frames = 2;
  make_video(file("film.mp4"), spec);
  const Outcome json_run = annotate({"film.mp4", "no.mp4", "--json-progress"});
  EXPECT_EQ(json_run.status, 1);
  std::istringstream text(json_run.out);
  std::vector<std::string> events;
  for (std::string line; std::getline(text, line);) {
    const auto event = nlohmann::json::parse(line);
    events.push_back(event.at("event").get<std::string>() + " " + event.at("input").get<std::string>());
    EXPECT_EQ(event.at("total"), 2);
  }
  EXPECT_EQ(std::count(events.begin(), events.end(), "start film"), 1);
  EXPECT_EQ(std::count(events.begin(), events.end(), "done film"), 1);
  EXPECT_EQ(std::count(events.begin(), events.end(), "failed no"), 1);

  const Outcome quiet = annotate({"film.mp4", "no.mp4", "--quiet"});
  EXPECT_EQ(quiet.status, 1);
  EXPECT_EQ(quiet.out, "");
  EXPECT_EQ(quiet.err, "fmpn-annotate: no.mp4: no such file\n");

  const Outcome plain = annotate({"film.mp4"});
  EXPECT_TRUE(contains(plain.err, "film: 2 frames, 1 face"));
  EXPECT_FALSE(contains(plain.err, "\033")) << "no bars in a log";
}

}  // namespace
}  // namespace fmpn::test
