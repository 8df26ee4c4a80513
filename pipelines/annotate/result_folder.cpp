#include "result_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/whole_file.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) { throw Error(ErrorCode::kIo, path + ": " + why); }

void remove_all(const std::string& path) {
  std::error_code fault;
  fs::remove_all(path, fault);
  if (fault) fail(path, fault.message());
}

/// In every partial folder from its beginning, gone when it gets its name: what lies beside it may be removed.
constexpr const char* kMarker = ".fmpn-annotate";

bool is_ours(const std::string& partial) {
  if (!fs::is_directory(fs::symlink_status(partial))) return false;
  // One that holds a result has been whole: its process ended between two steps of commit().
  return fs::is_empty(partial) || fs::exists(fs::path(partial) / kMarker) || ResultFolder::is_result(partial);
}

}  // namespace

bool ResultFolder::is_result(const std::string& folder) {
  std::ifstream file(fs::path(folder) / "summary.json", std::ios::binary);
  if (!file) return false;
  const auto json = nlohmann::json::parse(file, nullptr, false);
  return json.is_object() && json.value("generator", "") == "fmpn-annotate";
}

ResultFolder::ResultFolder(const std::string& output, const std::string& name)
    : partial_((fs::path(output) / (name + ".partial")).string()), whole_((fs::path(output) / name).string()) {
  if (fs::exists(whole_) && !is_result(whole_))
    throw Error(ErrorCode::kBadSetting, whole_ + " exists and is no result of fmpn-annotate: choose another output folder");
  std::error_code fault;
  if (fs::exists(fs::symlink_status(partial_, fault)) && !is_ours(partial_))
    throw Error(ErrorCode::kBadSetting,
                partial_ + " exists and was not made by fmpn-annotate: move it away, or choose another output folder");
  remove_all(partial_);
  make_folder(partial_);
  write_whole((fs::path(partial_) / kMarker).string(), "fmpn-annotate removes this folder when it comes to its input again\n");
}

std::string ResultFolder::stem() const { return fs::path(whole_).filename().string(); }

void ResultFolder::commit() {
  remove_all((fs::path(partial_) / kMarker).string());
  if (fs::exists(whole_)) {
    if (renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, whole_.c_str(), RENAME_EXCHANGE) == 0) return remove_all(partial_);
    if (errno != EINVAL && errno != ENOSYS) fail(whole_, std::strerror(errno));
    remove_all(whole_);  // a file system that cannot exchange
  }
  if (std::rename(partial_.c_str(), whole_.c_str()) != 0) fail(whole_, std::strerror(errno));
}

}  // namespace fmpn::annotate
