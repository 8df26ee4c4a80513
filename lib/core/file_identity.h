#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace fmpn {

/// Device, inode, time of the last modification and size: equal for two names of one file, another after the file was replaced.
using FileIdentity = std::tuple<dev_t, ino_t, std::int64_t, std::int64_t, off_t>;

/// None where there is no such file, or it cannot be reached.
inline std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileIdentity{found.st_dev, found.st_ino, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size};
}

}  // namespace fmpn
