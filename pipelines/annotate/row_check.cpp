#include "row_check.h"

#include <charconv>
#include <fstream>
#include <string_view>

#include <fmpn/error.h>

namespace fmpn::annotate {

std::uint64_t count_frames(const std::string& path, record::Format format) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": cannot be read back");
  const std::string_view start = format == record::Format::kJsonl ? "{\"frame\":" : "";
  std::string line;
  if (format == record::Format::kCsv) std::getline(file, line);
  std::uint64_t frames = 0;
  while (std::getline(file, line)) {
    std::uint64_t number = 0;
    const char* digits = line.data() + start.size();
    const bool row = line.size() > start.size() && line.compare(0, start.size(), start) == 0 &&
                     std::from_chars(digits, line.data() + line.size(), number).ec == std::errc() && !file.eof();
    // Another face of the same frame, or the next frame.
    if (!row || number > frames || number + 1 < frames)
      throw Error(ErrorCode::kBadFormat, path + ": a row is missing or damaged behind frame " + std::to_string(frames));
    frames = number + 1;
  }
  return frames;
}

}  // namespace fmpn::annotate
