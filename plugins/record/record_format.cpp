#include "record_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/json_text.h"

namespace fmpn::record {
namespace {

/// With so many decimals, whatever the locale says.
std::string fixed(double value, int decimals) {
  std::array<char, 64> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
  if (result.ec != std::errc()) throw Error(ErrorCode::kRuntime, "a number that cannot be written");
  return {text.data(), result.ptr};
}

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

class JsonLines : public Formatter {
 public:
  std::string begin(const std::vector<std::string>&) override { return {}; }
  std::string frame(const FrameRecord& frame) override {
    Json row;
    row["frame"] = frame.frame;
    row["timestamp"] = frame.timestamp ? Json(rounded(*frame.timestamp, 1e6)) : Json(nullptr);
    row["pts"] = frame.pts ? Json(*frame.pts) : Json(nullptr);
    if (frame.faces.empty()) {
      row["face_id"] = nullptr;
      return row.dump() + "\n";
    }
    std::string text;
    for (const FaceRecord& face : frame.faces) {
      Json line = row;
      line["face_id"] = face.id;
      line["x"] = rounded(face.box.x, 100);
      line["y"] = rounded(face.box.y, 100);
      line["w"] = rounded(face.box.width, 100);
      line["h"] = rounded(face.box.height, 100);
      line["face_score"] = rounded(face.score, 1e4);
      line["quality"] = rounded(face.quality, 1e4);
      line["label"] = face.label.empty() ? Json(nullptr) : Json(face.label);
      if (!face.label.empty()) {
        line["confidence"] = rounded(face.confidence, 1e6);
        for (const auto& [name, p] : face.distribution) line["probabilities"][name] = rounded(p, 1e6);
        line["frames_ago"] = face.frames_ago;
      }
      text += json_text(line) + "\n";
    }
    return text;
  }
  std::string end() override { return {}; }

 private:
  using Json = nlohmann::ordered_json;
};

/// A text as one field of a row (RFC 4180).
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

class Csv : public Formatter {
 public:
  explicit Csv(std::string path) : path_(std::move(path)) {}

  std::string begin(const std::vector<std::string>& classes) override {
    classes_ = classes;
    std::string header = "frame,timestamp,face_id,x,y,w,h,face_score,quality,label,confidence";
    for (const std::string& name : classes_) header += "," + field(name);
    return header + "\n";
  }

  std::string frame(const FrameRecord& frame) override {
    const std::string start = std::to_string(frame.frame) + "," + (frame.timestamp ? fixed(*frame.timestamp, 6) : "");
    if (frame.faces.empty()) return start + std::string(9 + classes_.size(), ',') + "\n";
    std::string text;
    for (const FaceRecord& face : frame.faces) {
      text += start + "," + std::to_string(face.id);
      for (const float side : {face.box.x, face.box.y, face.box.width, face.box.height}) text += "," + fixed(static_cast<double>(side), 2);
      text += "," + fixed(face.score, 4) + "," + fixed(face.quality, 4);
      text += face.label.empty() ? std::string(2 + classes_.size(), ',')
                                 : "," + field(face.label) + "," + fixed(face.confidence, 6) + probabilities(face);
      text += "\n";
    }
    return text;
  }
  std::string end() override { return {}; }

 private:
  std::string probabilities(const FaceRecord& face) const {
    bool same = face.distribution.size() == classes_.size();
    std::string text;
    for (std::size_t i = 0; same && i < classes_.size(); ++i) {
      same = face.distribution[i].first == classes_[i];
      text += "," + fixed(face.distribution[i].second, 6);
    }
    if (!same)
      throw Error(ErrorCode::kRuntime,
                  path_ + ": face " + std::to_string(face.id) + " has other classes than the columns that the table began with");
    return text;
  }

  const std::string path_;
  std::vector<std::string> classes_;
};

class WebVtt : public Formatter {
 public:
  std::string begin(const std::vector<std::string>&) override {
    cue_.clear();
    return "WEBVTT\n";
  }

  std::string frame(const FrameRecord& frame) override {
    if (!frame.timestamp) return {};  // a frame without a time has no place in a file of times
    const std::string shown = text_of(frame);
    const double time = *frame.timestamp;
    // After a seek the cue under way ends where its own frames ended.
    const bool jump = time < last_ || time > end_ + kPause;
    std::string out;
    if (shown != cue_ || jump) {
      out = cue(jump ? end_ : time);
      start_ = time;
      cue_ = shown;
    }
    if (!jump && time > last_) interval_ = time - last_;
    last_ = time;
    end_ = time + frame.duration.value_or(interval_);
    return out;
  }

  std::string end() override {
    const std::string out = cue(end_);
    cue_.clear();
    return out;
  }

 private:
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return out;
  }

  /// By the faces' ids: the frame has them in another order wherever it was searched anew, and that would end the cue.
  static std::string text_of(const FrameRecord& frame) {
    std::map<long, std::string> lines;
    for (const FaceRecord& face : frame.faces)
      if (!face.label.empty()) lines[face.id] += "<v Face " + std::to_string(face.id) + ">" + escaped(face.label) + "</v>\n";
    std::string text;
    for (const auto& item : lines) text += item.second;
    return text;
  }

  static std::string time(double seconds) {
    const auto ms = static_cast<long long>(std::llround(std::max(0.0, seconds) * 1000));
    const auto digits = [](long long value, std::size_t width) {
      const std::string text = std::to_string(value);
      return text.size() < width ? std::string(width - text.size(), '0') + text : text;
    };
    return digits(ms / 3600000, 2) + ":" + digits(ms / 60000 % 60, 2) + ":" + digits(ms / 1000 % 60, 2) + "." + digits(ms % 1000, 3);
  }

  /// The cue under way, ended at `until`; a cue has to last.
  std::string cue(double until) const {
    if (cue_.empty()) return {};
    const double end = until - start_ < 0.001 ? start_ + 0.001 : until;
    return "\n" + time(start_) + " --> " + time(end) + "\n" + cue_;
  }

  static constexpr double kPause = 1;  // seconds that a cue lasts through frames that are missing

  std::string cue_;
  double start_ = 0;        ///< of the cue
  double last_ = 0;         ///< the last frame's time
  double end_ = 0;          ///< and its end
  double interval_ = 0.04;  ///< between the last two frames: how long one without a duration is shown
};

}  // namespace

const char* name_of(Format format) {
  switch (format) {
    case Format::kJsonl: return "jsonl";
    case Format::kCsv: return "csv";
    case Format::kVtt: return "vtt";
  }
  return "";
}

Format format_named(const std::string& name) {
  for (const Format format : {Format::kJsonl, Format::kCsv, Format::kVtt})
    if (name == name_of(format)) return format;
  throw Error(ErrorCode::kBadSetting, "data format " + name + " is unknown: jsonl, csv or vtt");
}

std::unique_ptr<Formatter> make_formatter(Format format, const std::string& path) {
  switch (format) {
    case Format::kJsonl: return std::make_unique<JsonLines>();
    case Format::kCsv: return std::make_unique<Csv>(path);
    case Format::kVtt: return std::make_unique<WebVtt>();
  }
  throw Error(ErrorCode::kBadSetting, "unknown data format");
}

}  // namespace fmpn::record
