#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media_pipeline.h"
#include "record_format.h"

namespace fmpn::annotate {

/// Reads a file of rows back and counts the frames in it. Throws kBadFormat where a frame is missing or out of order.
/// jsonl and csv only: subtitles have no rows.
std::uint64_t count_frames(const std::string& path, record::Format format);

/// Every decoded frame is in the rows of `folder`/`stem`.<format>, in the video and in the summary, which has `summarised` of them.
/// Throws kRuntime where one is not, or there is none at all, and as count_frames().
void check_frames(const MediaResult& media, const std::vector<record::Format>& data, const std::string& folder, const std::string& stem,
                  std::uint64_t summarised);

/// A file that was cut off often ends without a word; its header knows better. Throws kRuntime where the medium ended well before the
/// length that it announces.
void check_length(const MediaResult& media);

}  // namespace fmpn::annotate
