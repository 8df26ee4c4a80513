#include "record_writer.h"

#include <cerrno>
#include <cstring>

#include <unistd.h>

#include <fmpn/error.h>

namespace fmpn::record {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(ErrorCode::kIo, path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

RecordWriter::RecordWriter(const std::string& path, Format format)
    : path_(path == "-" ? "standard output" : path), formatter_(make_formatter(format, path_)) {
  file_ = path == "-" ? fdopen(dup(STDOUT_FILENO), "w") : std::fopen(path.c_str(), "we");
  if (file_ == nullptr) fail(path_, "cannot be opened for writing");
}

RecordWriter::~RecordWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void RecordWriter::set_classes(const std::vector<std::string>& classes) {
  if (!begun_) classes_ = classes;
}

void RecordWriter::begin() {
  begun_ = true;
  write(formatter_->begin(classes_));
}

void RecordWriter::add(const FrameRecord& frame) {
  if (!begun_) begin();
  write(formatter_->frame(frame));
  ++frames_;
}

void RecordWriter::complete() {
  if (!begun_) begin();
  write(formatter_->end());
  // Pipes and terminals have no disk to wait for.
  if (fsync(fileno(file_)) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) fail(path_, "cannot be written");
}

void RecordWriter::write(const std::string& text) {
  if (text.empty()) return;
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) fail(path_, "cannot be written");
}

}  // namespace fmpn::record
