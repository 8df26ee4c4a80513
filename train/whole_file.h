#pragma once

#include <string>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// A file that is there whole or not at all: written to a temporary one beside it (PATH.partial), which takes its name with
/// commit(). A full disk leaves the old file as it was. Makes no folder. Every fault throws kIo, naming file and cause.
class WholeFile {
 public:
  explicit WholeFile(std::string path);
  ~WholeFile();  ///< without commit(): the temporary file goes
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  void append(const void* bytes, std::size_t count);
  /// The rename; with `durable`, after the bytes have reached the disk.
  void commit(bool durable);

 private:
  std::string path_;
  int file_ = -1;
};

/// A whole file at once; not durable (reports and crops can be made again).
void write_whole(const std::string& path, const std::string& bytes);
/// The same for a picture, as PNG.
void write_whole_png(const std::string& path, const ImageView& picture);
/// The picture as the bytes of a PNG file. Throws kIo.
std::string png_bytes(const ImageView& picture);
/// The bytes of a file; none where it can't be read.
std::string read_bytes(const std::string& path);
/// fs::create_directories with an Error that names the folder. Throws kIo.
void make_folder(const std::string& path);

}  // namespace fmpn::train
