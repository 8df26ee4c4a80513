#pragma once

#include <cstdint>
#include <string>

#include "record_format.h"

namespace fmpn::annotate {

/// Reads a file of rows back and counts the frames in it. Throws kBadFormat where a frame is missing or out of order.
/// jsonl and csv only: subtitles have no rows.
std::uint64_t count_frames(const std::string& path, record::Format format);

}  // namespace fmpn::annotate
