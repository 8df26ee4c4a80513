#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "record_format.h"

namespace fmpn::record {

/// A file of records. What a frame gave is handed to the system before add() returns, so that a reader can follow the
/// file and a crash loses nothing; whatever cannot be written is an error at once.
class RecordWriter {
 public:
  /// Makes the file, or empties it; "-" is standard output. Throws kIo.
  RecordWriter(const std::string& path, Format format);
  /// Closes without a word; complete() says whether all is written.
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  /// Class names in the model's order: columns of the csv, which are those of the first frame.
  void set_classes(const std::vector<std::string>& classes);

  /// Throws kIo, and what Formatter::frame() throws.
  void add(const FrameRecord& frame);

  /// Completes the file, also one without a frame, and sees it to the disk. Throws kIo. What is added after goes on behind it.
  void complete();

  std::uint64_t frames() const { return frames_; }

 private:
  void begin();
  void write(const std::string& text);

  std::string path_;
  std::unique_ptr<Formatter> formatter_;
  std::vector<std::string> classes_;
  std::FILE* file_ = nullptr;
  bool begun_ = false;
  std::uint64_t frames_ = 0;
};

}  // namespace fmpn::record
