#include "whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <opencv2/imgcodecs.hpp>

#include <fmpn/error.h>

#include "core/cv_view.h"

namespace fmpn::train {
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
  const std::string temporary = path_ + ".partial";
  if (durable && fsync(file_) != 0 && errno != EINVAL) fail(path_, errno);
  if (rename(temporary.c_str(), path_.c_str()) != 0) fail(path_, errno);
  close(file_);
  file_ = -1;
}

void write_whole(const std::string& path, const std::string& bytes) {
  WholeFile file(path);
  file.append(bytes.data(), bytes.size());
  file.commit(false);
}

std::string png_bytes(const ImageView& picture) {
  cv::Mat mat = as_mat(picture);
  if (mat.channels() == 3) {
    cv::Mat bgr;  // not in place: the pixels are the caller's
    cv::cvtColor(mat, bgr, cv::COLOR_RGB2BGR);
    mat = bgr;
  }
  std::vector<unsigned char> bytes;
  if (!cv::imencode(".png", mat, bytes))
    throw Error(ErrorCode::kIo,
                "a picture of " + std::to_string(picture.width) + "×" + std::to_string(picture.height) + " px cannot be encoded as PNG");
  return {bytes.begin(), bytes.end()};
}

void write_whole_png(const std::string& path, const ImageView& picture) { write_whole(path, png_bytes(picture)); }

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void make_folder(const std::string& path) {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (fault) throw Error(ErrorCode::kIo, path + ": the folder cannot be made (" + fault.message() + ")");
}

}  // namespace fmpn::train
