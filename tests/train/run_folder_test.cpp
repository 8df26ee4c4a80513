#include "run_folder.h"

#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "configuration.h"
#include "cross_validation.h"
#include "event_file.h"
#include "expect_error.h"
#include "report.h"
#include "temporary_folder.h"

namespace fmpn::train {
namespace {
namespace fs = std::filesystem;

using test::expect_error;

// RFC 3720, B.4.
TEST(EventFile, ChecksumIsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(""), 0U);
}

// One record, its message worked out by hand from event.proto and summary.proto.
TEST(EventFile, ARecordByteForByte) {
  const std::string record = encode_event({2, 300, "a", 1.5F});
  const std::string data("\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0a\x0a\x08\x0a\x01" "a\x15\0\0\xc0\x3f", 24);
  ASSERT_EQ(record.size(), 12 + data.size() + 4);
  EXPECT_EQ(record.substr(0, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, data.size()), data);
}

TEST(EventFile, ReadsBackWhatItWrote) {
  std::string bytes = encode_event_heading(10);
  const std::vector<EventScalar> scalars{
      {1.5, 1, "phase1/mask_loss", 0.25F}, {2.5, 200, "phase2/class_loss", -3.0F}, {3.5, 1LL << 40, "ä", 1e-9F}};
  for (const EventScalar& s : scalars) bytes += encode_event(s);
  const auto expect_first = [&](const std::vector<EventScalar>& back, std::size_t count) {
    ASSERT_EQ(back.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(back[i].wall_time, scalars[i].wall_time);
      EXPECT_EQ(back[i].step, scalars[i].step);
      EXPECT_EQ(back[i].tag, scalars[i].tag);
      EXPECT_EQ(back[i].value, scalars[i].value);
    }
  };
  std::string fault;
  expect_first(decode_events(bytes, &fault), 3);
  for (std::size_t cut = 1; cut < encode_event(scalars[2]).size(); ++cut)
    expect_first(decode_events(bytes.substr(0, bytes.size() - cut), &fault), 2);
  expect_first(decode_events("", &fault), 0);
  EXPECT_EQ(fault, "");
  const std::size_t last = bytes.size() - 8;
  bytes[last] = static_cast<char>(bytes[last] ^ 1);
  expect_first(decode_events(bytes, &fault), 2);
  EXPECT_NE(fault.find("damaged record at byte"), std::string::npos) << fault;
}

class RunFolderTest : public ::testing::Test {
 protected:
  test::TemporaryFolder folder_;
  RunFolder run_{folder_.file("run")};
  void checkpoint() { test::write_text(run_.file("checkpoint.pt"), "weights"); }
};

TEST_F(RunFolderTest, OneConfigurationAFolder) {
  expect_error(ErrorCode::kNotFound, {folder_.file("run"), "resume"}, [&] { run_.open("[fit]\nlr=0.1\n", true); });
  run_.open("[fit]\nlr=0.1\nseed=1\noutput=\"run\"\n", false);
  run_.open("[fit]\nlr=0.1\nseed=1\noutput=\"run\"\n", false);  // no epoch was done yet
  checkpoint();
  expect_error(ErrorCode::kBadSetting, {folder_.file("run"), "--resume"}, [&] { run_.open("[fit]\nlr=0.1\n", false); });
  run_.open("[fit]\nlr=0.1\nseed=1\noutput=\"../run\"\n", true);
  expect_error(ErrorCode::kBadSetting,
               {"another configuration", "lr = 0.2 (the run: 0.1)", "ema = 0.9 (the run: not set)", "seed is not set (the run: 1)"},
               [&] { run_.open("[fit]\nlr=0.2\nema=0.9\n", true); });
  EXPECT_EQ(test::read_text(run_.file("config.toml")), "[fit]\nlr=0.1\nseed=1\noutput=\"run\"\n");
  // An option that is newer than the run, and that nobody gave, does what the older version did.
  run_.open("[fit]\nlr=0.1\nseed=1\nnew-option=0\noutput=\"run\"\n", true, {"new-option"});
  expect_error(ErrorCode::kBadSetting, {"new-option = 0.5 (the run: not set)"},
               [&] { run_.open("[fit]\nlr=0.1\nseed=1\nnew-option=0.5\n", true, {"lr"}); });
  expect_error(ErrorCode::kBadSetting, {"lr = 0.2 (the run: 0.1)"}, [&] { run_.open("[fit]\nlr=0.2\nseed=1\n", true, {"lr"}); });
}

// As a person writes a file: read as fit reads it.
TEST_F(RunFolderTest, AConfigurationIsComparedByWhatItSaysNotByItsLines) {
  const std::string plain = "[fit]\nlr=0.1\nname=\"a#b\"\nteacher=[\"one.safetensors\", \"two.safetensors\"]\nphase=\"1\"\n";
  const std::string other =
      "# mine\n[fit]  # of the run\n  lr = 0.1  # rate\nname = 'a#b'\nteacher = [\n  \"one.safetensors\",  # a = 1\n  "
      "\"two.safetensors\",\n]\nphase = 1\n";
  EXPECT_EQ(configuration_difference(other, plain), "");
  EXPECT_EQ(configuration_difference(plain, other), "");
  EXPECT_EQ(option_in(other, "lr"), "0.1");
  EXPECT_EQ(option_in(other, "name"), "a#b");
  EXPECT_EQ(option_in(other, "none"), "");
  EXPECT_EQ(configuration_difference("[fit]\nteacher = [\n\"one.safetensors\",\n\"three\"\n]\nlr=0.1\nname=\"\"\nphase=1", plain),
            "name = \"\" (the run: \"a#b\"), "
            "teacher = [\"one.safetensors\", \"three\"] (the run: [\"one.safetensors\", \"two.safetensors\"])");
  expect_error(ErrorCode::kBadFormat, {"not a configuration", "'fit.lr' stands there twice"},
               [&] { configuration_difference("[fit]\nlr=1\nname=2\nlr=3\n", plain); });
}

TEST_F(RunFolderTest, WhereThingsLieMakesNoDifference) {
  const std::string moved = "[fit]\ndata=\"/new\"\nmasks=\"/new/masks\"\ncache-mb=1\ndevice=\"cuda:3\"\noutput=\"b\"\n";
  const std::string before =
      "[fit]\ndata=\"old\"\nmasks=\"masks\"\ncache-mb=4096\ndevice=\"cuda\"\noutput=\"a\"\nrecipe=\"paper\"\n";
  EXPECT_EQ(configuration_difference(moved, before), "");
  EXPECT_EQ(configuration_difference("[fit]\ndevice=\"cuda:1\"\n", "[fit]\ndevice=\"cpu\"\n"), "device = \"cuda:1\" (the run: \"cpu\")");
}

TEST_F(RunFolderTest, OneProcessATime) {
  {
    RunFolder first(run_.path());
    first.open("[fit]\nlr=0.1\n", false);
    const RunFolder copy(first);
    expect_error(ErrorCode::kBadSetting, {run_.path(), "process " + std::to_string(getpid()), "at work in this folder"},
                 [&] { run_.open("[fit]\nlr=0.2\n", false); });
    EXPECT_EQ(test::read_text(run_.file("config.toml")), "[fit]\nlr=0.1\n");
    test::write_text(run_.file("checkpoint.pt"), "weights");
    expect_error(ErrorCode::kBadSetting, {"at work in this folder"}, [&] { run_.open("[fit]\nlr=0.1\n", true); });
  }
  run_.open("[fit]\nlr=0.1\n", true);
}

// Its checkpoint is the largest of its files, and of no use any more.
TEST_F(RunFolderTest, AFinishedRunIsNotOverwrittenThoughItsCheckpointIsGone) {
  run_.open("[fit]\nlr=0.1\n", false);
  for (const char* name : {"last.safetensors", "result.json"}) {
    test::write_text(run_.file(name), "what it came to");
    expect_error(ErrorCode::kBadSetting, {run_.file(name), "another folder"}, [&] { run_.open("[fit]\nlr=0.2\n", false); });
    EXPECT_EQ(test::read_text(run_.file("config.toml")), "[fit]\nlr=0.1\n");
    fs::remove(run_.file(name));
  }
  run_.open("[fit]\nlr=0.2\n", false);
}

TEST_F(RunFolderTest, WhatTheCheckpointDoesNotHaveIsCutOff) {
  run_.open("[fit]\n", false);
  run_.cut_after(0, 0);
  for (int epoch = 1; epoch <= 3; ++epoch) run_.add({1, epoch, 0.1 * epoch, 0, {}, 1e-4, 100, 1, -0.25 * epoch});
  for (int epoch = 1; epoch <= 4; ++epoch) run_.add({2, epoch, 0.01, 1.0 / epoch, 0.5, 1e-3, 100, 1});
  const std::string whole = test::read_text(run_.file("metrics.csv"));
  EXPECT_EQ(read_metrics(run_.file("metrics.csv")).size(), 7U);
  // A kill in the middle of a line and of a record; zeros, as a loss of power leaves them.
  test::write_text(run_.file("metrics.csv"), whole + "2,5,0.0");
  const std::string events = test::read_text(run_.file("events.out.tfevents.fmpn"));
  test::write_text(run_.file("events.out.tfevents.fmpn"), events + encode_event({1, 5, "phase2/mask_loss", 1}).substr(0, 20));
  run_.cut_after(2, 4);
  test::write_text(run_.file("events.out.tfevents.fmpn"), events + std::string(64, '\0'));
  run_.cut_after(2, 4);
  EXPECT_EQ(test::read_text(run_.file("metrics.csv")), whole);
  run_.cut_after(2, 2);
  const auto metrics = read_metrics(run_.file("metrics.csv"));
  ASSERT_EQ(metrics.size(), 5U);
  EXPECT_EQ(metrics.back().epoch, 2);
  EXPECT_EQ(metrics.back().class_loss, 0.5);
  EXPECT_NEAR(metrics[2].mask_loss, 0.3, 1e-9);
  EXPECT_NEAR(metrics[2].mask_r2.value(), -0.75, 1e-9);
  EXPECT_FALSE(metrics[3].mask_r2);
  EXPECT_FALSE(metrics[2].valid_accuracy) << "phase 1 has none";
  EXPECT_EQ(metrics[3].valid_accuracy, 0.5);
  EXPECT_EQ(metrics[3].learning_rate, 1e-3);
  std::size_t phase1 = 0, phase2 = 0;
  std::string fault;
  for (const EventScalar& s : decode_events(test::read_text(run_.file("events.out.tfevents.fmpn")), &fault)) {
    ++(s.tag.rfind("phase1/", 0) == 0 ? phase1 : phase2);
    if (s.tag == "phase2/class_loss") {
      EXPECT_FLOAT_EQ(s.value, 1.0F / static_cast<float>(s.step));
    }
  }
  EXPECT_EQ(fault, "");
  EXPECT_EQ(phase1, 3U * 4);
  EXPECT_EQ(phase2, 2U * 5);
  run_.cut_after(1, 1);
  EXPECT_EQ(read_metrics(run_.file("metrics.csv")).size(), 1U);
}

TEST_F(RunFolderTest, ReadsTheMetricsOfOlderVersions) {
  test::write_text(folder_.file("metrics.csv"),
                   "phase,epoch,mask_loss,class_loss,valid_accuracy,learning_rate,images_per_second,seconds\n2,1,0.5,1.5,0.25,0.01,100,3\n");
  const auto metrics = read_metrics(folder_.file("metrics.csv"));
  ASSERT_EQ(metrics.size(), 1U);
  EXPECT_FALSE(metrics[0].mask_r2);
  EXPECT_EQ(metrics[0].seconds, 3);
}

/// Two classes; `right` and `wrong` pictures of each.
RunResult fold_result(int fold, long right, long wrong) {
  RunResult result;
  result.fold = fold, result.held_out = "fold " + std::to_string(fold);
  result.confusion = ConfusionMatrix({"fear", "anger <&>"});
  for (std::size_t c = 0; c < 2; ++c) result.confusion.add(c, c, right), result.confusion.add(c, 1 - c, wrong);
  return result;
}

TEST_F(RunFolderTest, CrossValidationTableAndReport) {
  for (int k = 0; k < 3; ++k) {
    const RunFolder fold(run_.file("fold-" + std::to_string(k)));
    RunFolder(fold).open("[fit]\nlr=0.1\n", false);
    RunFolder(fold).cut_after(0, 0);
    RunFolder(fold).add({1, 1, 0.2, 0, 0, 1e-4, 10, 1, -0.5});
    RunFolder(fold).add({2, 1, 0.1, 1.1, 0.7, 1e-4, 10, 1, 0.25});
    write_result(fold.file("result.json"), k == 0 ? fold_result(0, 9, 1) : k == 1 ? fold_result(1, 3, 1) : fold_result(2, 20, 20));
  }
  const CrossValidation result = read_folds(run_.path(), 3);
  EXPECT_DOUBLE_EQ(result.mean(), (0.9 + 0.75 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(result.pooled().accuracy(), 64.0 / 108);
  EXPECT_NEAR(result.deviation(), 0.2020726, 1e-6);
  const std::string text = write_cross_validation(run_.path(), result);
  for (const char* part : {"71.67 % (standard deviation of the folds 20.21)", "108 pictures  59.26 % (balanced 59.26, macro F1 59.26)", "fear"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  EXPECT_EQ(test::read_text(run_.file("table.txt")), text);
  EXPECT_EQ(text.find("mean mask"), std::string::npos);
  auto masked = result;
  masked.folds[0].mean_mask_accuracy = 0.6, masked.folds[1].mean_mask_accuracy = 0.7;
  EXPECT_FALSE(masked.mean_with_mean_mask()) << "one fold has none";
  masked.folds[2].mean_mask_accuracy = 0.5;
  EXPECT_DOUBLE_EQ(masked.mean_with_mean_mask().value(), 0.6);
  EXPECT_NE(write_cross_validation(run_.path(), masked).find("mean mask for every face  60.00 %"), std::string::npos);
  write_cross_validation(run_.path(), result);
  for (const char* name : {"folds.png", "confusion.png", "curves.png"}) EXPECT_GT(read_image(run_.file(name)).width, 400) << name;
  const std::string html = test::read_text(run_.file("report.html"));
  EXPECT_NE(html.find("anger &lt;&amp;&gt;"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64,iVBORw0KGgo"), std::string::npos);
  for (const char* part : {"http://", "https://", "src=\"f", "<script"})
    EXPECT_EQ(html.find(part), std::string::npos) << part << ": the report must open without a network";
  // A panel each for mask loss, R², class loss and accuracy; none for R² where a fold has none.
  const int with_r2 = read_image(run_.file("curves.png")).width;
  RunFolder(run_.file("fold-2")).add({2, 2, 0.1, 1.1, 0.7, 1e-4, 10, 1});
  for (int k = 0; k < 2; ++k) RunFolder(run_.file("fold-" + std::to_string(k))).add({2, 2, 0.1, 1.1, 0.7, 1e-4, 10, 1, 0.5});
  write_cross_validation(run_.path(), result);
  EXPECT_EQ(read_image(run_.file("curves.png")).width, with_r2) << "some epochs have it";
  for (int k = 0; k < 3; ++k) {
    const RunFolder fold(run_.file("fold-" + std::to_string(k)));
    RunFolder(fold).cut_after(0, 0);
    RunFolder(fold).add({2, 1, 0.1, 1.1, 0.7, 1e-4, 10, 1, k == 1 ? std::nullopt : std::optional(0.25)});
  }
  write_cross_validation(run_.path(), result);
  EXPECT_EQ(read_image(run_.file("curves.png")).width, with_r2 * 3 / 4);
  fs::remove(run_.file("fold-1/result.json"));
  expect_error(ErrorCode::kNotFound, {"fold-1"}, [&] { read_folds(run_.path(), 3); });
  test::write_text(run_.file("fold-1/result.json"), "{\"classes\": [\"a\"], \"confusion\": []}");
  expect_error(ErrorCode::kBadFormat, {"fold-1"}, [&] { read_folds(run_.path(), 3); });
}

}  // namespace
}  // namespace fmpn::train
