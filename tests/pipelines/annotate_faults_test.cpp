// fmpn-annotate: what goes wrong, is interrupted, resumed or shared out.
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include <unistd.h>

#include <fmpn/aligner.h>

#include "annotate_program.h"

namespace fmpn::test {
namespace {

VideoSpec brief(int frames = 2) {
  VideoSpec spec;
  spec.frames = frames;
  return spec;
}

bool wait_for(const std::function<bool()>& condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

TEST_F(AnnotateProgram, TwelveFilmsOfWhichTwoAreBroken) {
  make_video(file("films/00.mp4"), [&] { std::filesystem::create_directory(file("films")); return brief(); }());
  for (int i = 1; i < 12; ++i) {
    const std::string name = file("films/" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".mp4");
    if (i == 4) write_text(name, read_text(file("films/00.mp4")).substr(0, 2000));
    else if (i == 9) write_text(name, "this is no film");
    else std::filesystem::copy_file(file("films/00.mp4"), name);
  }
  const Outcome run = annotate({"films", "--jobs", "2"});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(contains(run.err, "10 of 12 inputs are done")) << run.err;
  EXPECT_TRUE(contains(run.err, "films/04.mp4: ")) << run.err;
  EXPECT_FALSE(contains(run.err, "no frame has come")) << "a demuxer's error was lost, and a minute waited: " << run.err;
  EXPECT_TRUE(contains(run.err, "films/09.mp4: ")) << run.err;
  const auto all = json("summary.json");
  EXPECT_EQ(all.at("totals").at("failed"), 2);
  for (const auto& input : all.at("inputs")) {
    const std::string name = input.at("name");
    const bool broken = name == "04" || name == "09";
    EXPECT_EQ(input.at("state"), broken ? "failed" : "done") << name;
    EXPECT_EQ(is_there(name), !broken) << name;
    if (broken) EXPECT_FALSE(input.at("reason").get<std::string>().empty());
    else EXPECT_EQ(lines(name + "/" + name + ".csv").size(), 3U) << name;
  }
}

TEST_F(AnnotateProgram, ACutOffFilmIsAFailureThatKeepsWhatItHad) {
  VideoSpec spec = brief(60);
  spec.muxer = "matroskamux";
  make_video(file("whole.mkv"), spec);
  write_text(file("cut.mkv"), read_text(file("whole.mkv")).substr(0, std::filesystem::file_size(file("whole.mkv")) / 2));
  const Outcome run = annotate({"cut.mkv"});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(contains(run.err, "it is cut off: it ends after")) << run.err;
  EXPECT_FALSE(is_there("cut"));
  EXPECT_GT(lines("cut.partial/cut.csv").size(), 1U);
}

TEST_F(AnnotateProgram, SoundAloneIsNoFilm) {
  run_pipeline("audiotestsrc num-buffers=20 ! avenc_aac ! mp4mux ! filesink location=" + file("sound.m4a"));
  const Outcome run = annotate({"sound.m4a"});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(contains(run.err, "sound.m4a: it has no video")) << run.err;
  EXPECT_FALSE(is_there("sound.partial"));
}

TEST_F(AnnotateProgram, AFolderThatCannotBeReadIsListed) {
  std::filesystem::create_directory(file("locked"));
  make_video(file("film.mp4"), brief());
  std::filesystem::permissions(file("locked"), std::filesystem::perms::none);
  std::vector<std::string> line = command({"locked", "film.mp4"});
  // Root reads every folder, unless it is a root without these rights.
  if (geteuid() == 0) line.insert(line.begin(), {"setpriv", "--bounding-set=-dac_override,-dac_read_search"});
  const Outcome run = run_program(line);
  std::filesystem::permissions(file("locked"), std::filesystem::perms::all);
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(contains(run.err, "the folder cannot be read: Permission denied")) << run.err;
  EXPECT_TRUE(is_there("film")) << run.err;
}

TEST_F(AnnotateProgram, AFullDiskIsAReasonNotAShortFile) {
  std::filesystem::create_directory(out());
  const Outcome mounted = run_program({"mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", out()});
  if (mounted.status != 0) GTEST_SKIP() << "no small file system can be mounted here: " << mounted.err;
  make_video(file("film.mp4"), brief(30));
  const Outcome run = annotate({"film.mp4", "--no-report"});
  const bool there = is_there("film");
  run_program({"umount", out()});
  EXPECT_EQ(run.status, 1) << run.err;
  EXPECT_TRUE(contains(run.err, "No space left")) << run.err;
  EXPECT_FALSE(there);
}

TEST_F(AnnotateProgram, NothingOfTheUsersIsReplaced) {
  make_video(file("film.mp4"), brief());
  write_text(out("film/notes.txt"), "precious");
  const Outcome run = annotate({"film.mp4"});
  EXPECT_EQ(run.status, 1);
  EXPECT_TRUE(contains(run.err, "is no result of fmpn-annotate")) << run.err;
  EXPECT_EQ(read_text(out("film/notes.txt")), "precious");
}

TEST_F(AnnotateProgram, WrongOptionsStartNothing) {
  make_video(file("film.mp4"), brief());
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{{"film.mp4", "--video", "avi"},
                                                                                     {"film.mp4", "--data", "xlsx"},
                                                                                     {"film.mp4", "--jobs", "0"},
                                                                                     {"film.mp4", "--shard", "2/2"},
                                                                                     {"film.mp4", "--max-faces", "few"},
                                                                                     {"film.mp4", "--model", "/no/model"},
                                                                                     {},
                                                                                     {"film.mp4", "--nonsense"}}) {
    EXPECT_EQ(annotate(wrong).status, 2) << wrong.back();
    EXPECT_FALSE(is_there(""));
  }
  write_text(file("model.safetensors"), "no model");
  const Outcome model = annotate({"film.mp4", "--model", "model.safetensors"});
  EXPECT_EQ(model.status, 1);
  EXPECT_TRUE(contains(model.err, "model.safetensors")) << model.err;
  EXPECT_FALSE(is_there("")) << "one clear error before anything is begun";
}

TEST_F(AnnotateProgram, ResumeSkipsTheDoneAndRedoesWhatHasChanged) {
  make_video(file("a.mp4"), brief());
  make_video(file("b.mp4"), brief(3));
  const auto skipped = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"a.mp4", "b.mp4", "--resume", "--json-progress", "--no-report"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome run = annotate(arguments);
    EXPECT_EQ(run.status, 0) << run.err;
    std::string names;
    for (const char* name : {"a", "b"})
      names += contains(run.out, std::string(R"({"event":"skipped","input":")") + name + "\"") ? name : "";
    return names;
  };
  EXPECT_EQ(skipped({}), "");
  EXPECT_EQ(skipped({}), "ab");
  EXPECT_EQ(json("summary.json").at("totals").at("frames"), 5) << "the skipped are in the summary";
  std::filesystem::last_write_time(file("a.mp4"), std::filesystem::file_time_type::clock::now());
  EXPECT_EQ(skipped({}), "ab") << "a new time is no new content";
  make_video(file("b.mp4"), brief(4));
  EXPECT_EQ(skipped({}), "a");
  EXPECT_EQ(json("b/summary.json").at("frames"), 4);
  EXPECT_EQ(skipped({"--smoothing", "0"}), "") << "other settings";
  std::filesystem::remove_all(out("a"));
  EXPECT_EQ(skipped({"--smoothing", "0"}), "b");
  EXPECT_TRUE(is_there("a/summary.json"));
  std::filesystem::copy_file(default_landmark_model(), file("landmarks.dat"));
  const std::vector<std::string> own{"--smoothing", "0", "--landmark-model", "landmarks.dat"};
  EXPECT_EQ(skipped(own), "ab") << "another name is no other landmark model";
  std::ofstream(file("landmarks.dat"), std::ios::app) << "other content";
  EXPECT_EQ(skipped(own), "");
}

TEST_F(AnnotateProgram, AnInterruptionKeepsTheFinishedAndResumeDoesTheRest) {
  make_video(file("a.mp4"), brief());
  make_video(file("b.mp4"), brief(1500));
  make_video(file("c.mp4"), brief());
  Program run(command({"a.mp4", "b.mp4", "c.mp4", "--no-report"}));
  ASSERT_TRUE(wait_for([&] { return is_there("b.partial/b.csv") && std::filesystem::file_size(out("b.partial/b.csv")) > 1000; }));
  run.send(SIGINT);
  const Outcome interrupted = run.wait();
  EXPECT_EQ(interrupted.status, 130) << interrupted.err;
  EXPECT_TRUE(contains(interrupted.err, "--resume")) << interrupted.err;
  EXPECT_TRUE(is_there("a"));
  EXPECT_FALSE(is_there("b"));
  const int frames = decode(out("b.partial/b.mp4"), false).frames;
  EXPECT_GT(frames, 0) << "the video is whole as far as it goes";
  EXPECT_LT(frames, 1500);
  EXPECT_EQ(json("summary.json").at("totals").at("partial"), 2);
  EXPECT_EQ(json("summary.json").at("inputs").at(2).at("reason"), "not begun");

  make_video(file("b.mp4"), brief(5));  // so that the test need not wait for the long one
  const Outcome resumed = annotate({"a.mp4", "b.mp4", "c.mp4", "--no-report", "--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(contains(resumed.err, "a: done before")) << resumed.err;
  EXPECT_EQ(json("b/summary.json").at("frames"), 5);
  EXPECT_FALSE(is_there("b.partial"));

  make_video(file("a.mp4"), brief(1500));  // other content: begun anew, and interrupted before the others are looked at
  Program again(command({"a.mp4", "b.mp4", "c.mp4", "--no-report", "--resume"}));
  ASSERT_TRUE(wait_for([&] { return is_there("a.partial/a.csv") && std::filesystem::file_size(out("a.partial/a.csv")) > 1000; }));
  again.send(SIGINT);
  EXPECT_EQ(again.wait().status, 130);
  EXPECT_EQ(json("summary.json").at("totals").at("done"), 2) << "what an earlier run has done stays done";
}

TEST_F(AnnotateProgram, ShardsShareTheInputsAndMergeJoinsThem) {
  std::vector<std::string> inputs;
  make_video(file("0.mp4"), brief());
  for (int i = 0; i < 6; ++i) {
    inputs.push_back(std::to_string(i) + ".mp4");
    if (i > 0) std::filesystem::copy_file(file("0.mp4"), file(inputs.back()));
  }
  inputs.emplace_back("broken.mp4");
  write_text(file("broken.mp4"), "no film");
  const auto shard = [&](const std::string& part) {
    std::vector<std::string> arguments = inputs;
    arguments.insert(arguments.end(), {"--shard", part});
    return annotate(arguments);
  };
  const int first = shard("0/2").status;
  EXPECT_FALSE(is_there("summary.json"));
  const Outcome early = run_program({std::getenv("FMPN_ANNOTATE"), "merge", out()});
  EXPECT_EQ(early.status, 1);
  EXPECT_TRUE(contains(early.err, "missing or not at their end: 1")) << early.err;
  const int second = shard("1/2").status;
  EXPECT_EQ(first + second, 1) << "one of them has the broken one";
  const Outcome merged = run_program({std::getenv("FMPN_ANNOTATE"), "merge", out()});
  EXPECT_EQ(merged.status, 1) << "one input failed";
  EXPECT_TRUE(contains(merged.err, "6 of 7 inputs are done")) << merged.err;
  EXPECT_EQ(json("summary.json").at("inputs").size(), 7U);
  EXPECT_EQ(json("summary.json").at("totals").at("frames"), 12);
}

}  // namespace
}  // namespace fmpn::test
