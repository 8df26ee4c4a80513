#include "files/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmpn/error.h>

namespace fmpn {
namespace {

[[noreturn]] void fail(const std::string& path, int cause) {
  throw Error(ErrorCode::kIo, path + ": cannot be written (" + std::strerror(cause) + ")");
}

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)) {
  file_ = open((path_ + ".partial").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail(path_, errno);
}

WholeFile::~WholeFile() {
  if (file_ < 0) return;
  close(file_);
  unlink((path_ + ".partial").c_str());
}

void WholeFile::append(const void* bytes, std::size_t count) {
  const char* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = write(file_, at, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path_, written < 0 ? errno : ENOSPC);
    at += written, count -= static_cast<std::size_t>(written);
  }
}

void WholeFile::commit(bool durable) {
  // Some file systems have nothing to wait for, and say so.
  if (durable && fsync(file_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(path_, errno);
  if (std::rename((path_ + ".partial").c_str(), path_.c_str()) != 0) fail(path_, errno);
  close(file_);
  file_ = -1;
}

void write_whole(const std::string& path, const std::string& bytes, bool durable) {
  WholeFile file(path);
  file.append(bytes.data(), bytes.size());
  file.commit(durable);
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": " + std::strerror(errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string read_if_there(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void make_folder(const std::string& path) {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (fault) throw Error(ErrorCode::kIo, path + ": the folder cannot be made (" + fault.message() + ")");
}

}  // namespace fmpn
