#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frame_record.h"

namespace fmpn::record {

enum class Format { kJsonl, kCsv, kVtt };

/// The nick of a format, which is its file suffix too: jsonl, csv, vtt.
const char* name_of(Format format);
/// Throws kBadSetting for another name.
Format format_named(const std::string& name);

/// Turns frames into text, piece by piece. Numbers have a decimal point in every locale.
///
/// jsonl: an object a line; csv: a line a row, header first; both have a row for every frame and face, and one without a
/// face (`face_id` null or empty) for a frame without any. vtt: a WebVTT cue for as long as the faces' labels stay the same.
class Formatter {
 public:
  virtual ~Formatter() = default;
  /// Before the first frame. `classes`: the model's class names in order, each a column of the csv.
  virtual std::string begin(const std::vector<std::string>& classes) = 0;
  /// Throws kRuntime for a distribution with other classes than the columns.
  virtual std::string frame(const FrameRecord& frame) = 0;
  /// After the last frame of a stretch. Another one may follow.
  virtual std::string end() = 0;
};

/// `path`: of the file that the text is for, to be named in errors.
std::unique_ptr<Formatter> make_formatter(Format format, const std::string& path);

}  // namespace fmpn::record
