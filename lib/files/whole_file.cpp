#include "files/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmpn/error.h>

namespace fmpn {
namespace {

[[noreturn]] void fail(const std::string& path, int cause) {
  throw Error(ErrorCode::kIo, path + ": cannot be written (" + std::strerror(cause) + ")");
}

/// None, with errno set, where it cannot be read to its end.
std::optional<std::string> bytes_of(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return std::nullopt;
  std::string bytes;
  char block[1 << 16];
  while (const std::size_t n = std::fread(block, 1, sizeof block, file.get())) bytes.append(block, n);
  if (std::ferror(file.get()) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)) {
  struct stat old{};
  const bool exists = stat(path_.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) {
    temporary_ = path_;
    file_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) fail(path_, errno);
    return;
  }
  if (std::error_code fault; exists && std::filesystem::is_symlink(path_, fault)) {
    const auto real = std::filesystem::canonical(path_, fault);
    if (!fault) path_ = real.string();
  }
  temporary_ = path_ + ".partial";
  constexpr int kTries = 100;  // each but the last: another writer's file got its name between the opening and the lock
  for (int i = 0; i < kTries && file_ < 0; ++i) {
    file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) fail(path_, errno);
    struct stat ours{}, there{};
    if (fstat(file_, &ours) == 0 && !S_ISREG(ours.st_mode)) return;  // a device: nothing to lock or to empty
    // What a killed process left is nobody's; what is locked is another's. A file system without locks is used without.
    if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(file_);
      throw Error(ErrorCode::kIo, path_ + ": cannot be written (it is being written already)");
    }
    if (stat(temporary_.c_str(), &there) != 0 || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
      close(file_);
      file_ = -1;
    }
  }
  if (file_ >= 0 && ftruncate(file_, 0) == 0) return;
  const int cause = file_ < 0 ? ESTALE : errno;
  if (file_ >= 0) close(file_);
  fail(path_, cause);
}

WholeFile::~WholeFile() {
  if (file_ < 0) return;
  if (!is_direct()) unlink(temporary_.c_str());  // while it is locked: afterwards it may be another's
  close(file_);
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
  if (durable && !is_direct() && fsync(file_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(path_, errno);
  // A network's file system tells of a full disk when a handle is closed. The first one keeps the lock until the file has its name.
  const int second = fcntl(file_, F_DUPFD_CLOEXEC, 0);
  if (second < 0 || close(second) != 0) fail(path_, errno);
  if (!is_direct() && std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  close(file_);
  file_ = -1;
}

void write_whole(const std::string& path, const std::string& bytes, bool durable) {
  WholeFile file(path);
  file.append(bytes.data(), bytes.size());
  file.commit(durable);
}

void require_file(const std::string& path) {
  struct stat found{};
  const auto refuse = [&](const std::string& why) { throw Error(ErrorCode::kNotFound, path + ": " + why); };
  const auto cannot_be_opened = [](const std::string& why) { return "cannot be opened (" + why + ")"; };
  if (stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) refuse("no such file");
    refuse(cannot_be_opened(std::strerror(errno)));
  }
  if (!S_ISREG(found.st_mode)) refuse(cannot_be_opened("it is not a regular file"));
  if (access(path.c_str(), R_OK) != 0) refuse(cannot_be_opened(std::strerror(errno)));
}

std::string read_whole(const std::string& path) {
  auto bytes = bytes_of(path);
  if (!bytes) throw Error(ErrorCode::kNotFound, path + ": cannot be read (" + std::strerror(errno) + ")");
  return std::move(*bytes);
}

std::string read_if_there(const std::string& path) { return bytes_of(path).value_or(""); }

void make_folder(const std::string& path) {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (fault) throw Error(ErrorCode::kIo, path + ": the folder cannot be made (" + fault.message() + ")");
}

}  // namespace fmpn
