#pragma once

#include <string>

namespace fmpn {

/// A file that is there whole or not at all: written to a temporary one beside it (PATH.partial), which takes its name with
/// commit(). A full disk leaves the old file as it was, and so does another process that writes it at the same time. Makes no folder.
/// A link stays, and what it leads to is written. What is no file, such as a pipe or /dev/stdout, is written to as the bytes come.
/// Every fault throws kIo, naming file and cause.
class WholeFile {
 public:
  explicit WholeFile(std::string path);
  ~WholeFile();  ///< without commit(): the temporary file goes
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  void append(const void* bytes, std::size_t count);
  /// Closed, then renamed; with `durable`, after the bytes have reached the disk.
  void commit(bool durable);

 private:
  bool is_direct() const { return temporary_ == path_; }

  std::string path_, temporary_;  ///< the same for what is no file
  int file_ = -1;
};

/// A whole file at once. `durable` for what a resumed program trusts to be whole, not for what can be made again.
void write_whole(const std::string& path, const std::string& bytes, bool durable = false);
/// Throws kNotFound where there is no such file, it is a folder or a pipe, or it may not be read.
void require_file(const std::string& path);
/// The bytes of a file. Throws kNotFound with the cause.
std::string read_whole(const std::string& path);
/// The same; no bytes where it can't be read.
std::string read_if_there(const std::string& path);

/// fs::create_directories with an Error that names the folder. Throws kIo.
void make_folder(const std::string& path);

}  // namespace fmpn
