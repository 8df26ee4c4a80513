#include "result_check.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
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

void check_frames(const MediaResult& media, const std::vector<record::Format>& data, const std::string& folder, const std::string& stem,
                  std::uint64_t summarised) {
  const auto same = [&](const std::string& where, std::uint64_t frames) {
    if (frames != media.decoded)
      throw Error(ErrorCode::kRuntime, where + " has " + std::to_string(frames) + " frames, decoded were " + std::to_string(media.decoded));
  };
  same("the summary", summarised);
  for (const record::Format format : data) {
    if (format == record::Format::kVtt) continue;
    const std::string name = record::name_of(format);
    same("the " + name, count_frames((std::filesystem::path(folder) / (stem + "." + name)).string(), format));
  }
  same("the annotated video", media.encoded);
  if (media.decoded == 0) throw Error(ErrorCode::kRuntime, "it has no frame that can be decoded");
}

void check_length(const MediaResult& media) {
  const double missing = media.announced - media.reached;
  if (media.announced <= 0 || missing <= std::max(1.0, 0.02 * media.announced)) return;
  char text[120];
  std::snprintf(text, sizeof text, "it is cut off: it ends after %.1f of the %.1f seconds that it announces", media.reached,
                media.announced);
  throw Error(ErrorCode::kRuntime, text);
}

}  // namespace fmpn::annotate
