#pragma once

#include <memory>
#include <string>

namespace fmpn::train {

/// Keeps a folder for this process: two that train in one would write over each other's checkpoint. The lock is on FOLDER/run.lock, which
/// holds the process's number and stays; it ends with the last copy, or with the process, however that ends. Where the file system knows
/// no locks there is none.
class FolderLock {
 public:
  /// Throws kBadSetting, naming the process, where another one has the folder, kIo where the file cannot be written.
  explicit FolderLock(const std::string& folder);

 private:
  std::shared_ptr<const int> file_;
};

}  // namespace fmpn::train
