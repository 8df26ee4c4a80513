#include "files/whole_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

TEST(WholeFile, IsThereWholeOrNotAtAll) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_whole(path, "old");
  {
    WholeFile file(path);
    file.append("half", 4);
  }
  EXPECT_EQ(test::read_text(path), "old");
  EXPECT_FALSE(fs::exists(path + ".partial"));
  for (const bool durable : {false, true}) {
    write_whole(path, durable ? "kept" : "new", durable);
    EXPECT_EQ(test::read_text(path), durable ? "kept" : "new");
  }
  expect_error(ErrorCode::kIo, {folder.file("none/a")}, [&] { write_whole(folder.file("none/a"), ""); });
}

TEST(WholeFile, TwoDoNotWriteItAtOnce) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a");
  test::write_text(path + ".partial", "what a killed program left");
  WholeFile first(path);
  first.append("first", 5);
  expect_error(ErrorCode::kIo, {path, "already"}, [&] { WholeFile second(path); });
  first.commit(false);
  EXPECT_EQ(test::read_text(path), "first");
  write_whole(path, "second");
  EXPECT_EQ(test::read_text(path), "second");
}

TEST(WholeFile, AFullDiskLeavesTheOldOne) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  const test::TemporaryFolder folder;
  const std::string path = folder.file("full");
  write_whole(path, "old");
  fs::create_symlink("/dev/full", path + ".partial");
  expect_error(ErrorCode::kIo, {path, "No space left"}, [&] { write_whole(path, "text"); });
  EXPECT_EQ(test::read_text(path), "old");
}

TEST(WholeFile, ALinkStaysAndAPipeIsWrittenTo) {
  const test::TemporaryFolder folder;
  write_whole(folder.file("a"), "old");
  fs::create_symlink(folder.file("a"), folder.file("link"));
  write_whole(folder.file("link"), "new");
  EXPECT_TRUE(fs::is_symlink(folder.file("link")));
  EXPECT_EQ(test::read_text(folder.file("a")), "new");
  fs::create_symlink(folder.file("nowhere"), folder.file("dangling"));
  write_whole(folder.file("dangling"), "new");
  EXPECT_EQ(test::read_text(folder.file("dangling")), "new");

  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = read_whole(pipe); });
  write_whole(pipe, "through", /*durable=*/true);
  reader.join();
  EXPECT_EQ(received, "through");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_FALSE(fs::exists(pipe + ".partial"));
}

TEST(WholeFile, WhatIsNotThereIsAnErrorOrNothing) {
  const test::TemporaryFolder folder;
  expect_error(ErrorCode::kNotFound, {folder.file("none"), "No such file"}, [&] { read_whole(folder.file("none")); });
  EXPECT_EQ(read_if_there(folder.file("none")), "");
  expect_error(ErrorCode::kNotFound, {folder.path().string(), "directory"}, [&] { read_whole(folder.path().string()); });
  EXPECT_EQ(read_if_there(folder.path().string()), "");
  expect_error(ErrorCode::kNotFound, {folder.file("none"), "no such file"}, [&] { require_file(folder.file("none")); });
  expect_error(ErrorCode::kNotFound, {folder.path().string(), "regular"}, [&] { require_file(folder.path().string()); });
  ASSERT_EQ(mkfifo(folder.file("pipe").c_str(), 0600), 0);
  expect_error(ErrorCode::kNotFound, {folder.file("pipe"), "regular"}, [&] { require_file(folder.file("pipe")); });
  write_whole(folder.file("a"), std::string("\0\r\n", 3));
  EXPECT_EQ(read_whole(folder.file("a")), std::string("\0\r\n", 3));
  EXPECT_EQ(read_if_there(folder.file("a")), std::string("\0\r\n", 3));
}

TEST(WholeFile, FoldersAreMadeOrNamed) {
  const test::TemporaryFolder folder;
  make_folder(folder.file("one/two"));
  make_folder(folder.file("one/two"));
  EXPECT_TRUE(fs::is_directory(folder.file("one/two")));
  write_whole(folder.file("plain"), "");
  expect_error(ErrorCode::kIo, {folder.file("plain/below")}, [&] { make_folder(folder.file("plain/below")); });
}

}  // namespace
}  // namespace fmpn
