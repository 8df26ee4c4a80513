#include "folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmpn/error.h>

#include "files/whole_file.h"

namespace fmpn::train {

FolderLock::FolderLock(const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "run.lock").string();
  // Not for children: the lock must not outlive this process in one of them.
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw Error(ErrorCode::kIo, path + ": cannot be written (" + std::strerror(errno) + ")");
  file_ = std::shared_ptr<const int>(new int(file), [](const int* held) {
    close(*held);
    delete held;
  });
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return;  // a file system without locks
    const std::string holder = read_if_there(path);
    throw Error(ErrorCode::kBadSetting, folder + ": another fmpn-train" + (holder.empty() ? "" : " (process " + holder + ")") +
                                            " is at work in this folder");
  }
  const std::string number = std::to_string(getpid());
  if (ftruncate(file, 0) != 0 || pwrite(file, number.data(), number.size(), 0) != static_cast<ssize_t>(number.size()))
    throw Error(ErrorCode::kIo, path + ": cannot be written (" + std::strerror(errno) + ")");
}

}  // namespace fmpn::train
