#include "prepare_journal.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include <fmpn/error.h>

#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOutcomes[] = {"aligned", "whole", "faceless", "unreadable"};

/// Tabs part the fields and line ends the lines, so that a name's own are written in C's way.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\t') out += "\\t";
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else out += c;
  }
  return out;
}

std::string from_plain(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
  }
  return out;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == '\t') fields.emplace_back();
    else fields.back() += c;
  }
  return fields;
}

}  // namespace

PrepareJournal::PrepareJournal(const std::string& folder, const std::string& settings)
    : path_((fs::path(folder) / "prepare.journal").string()) {
  const std::string heading = plain(settings) + '\n';
  std::string whole = heading;  // the lines that are kept
  if (std::ifstream old(path_, std::ios::binary); old) {
    std::stringstream text;
    text << old.rdbuf();
    std::string line;
    std::getline(text, line);
    // Before versions were written down there was the first alone.
    if (line.rfind("crop-size ", 0) == 0) line.insert(0, "crops of version 1, ");
    if (line + '\n' != heading && !line.empty())
      throw Error(ErrorCode::kBadSetting,
                  folder + ": its crops were made with other settings (" + line + "; now " + plain(settings) + "); take another folder");
    while (std::getline(text, line)) {
      const auto fields = fields_of(line);
      const auto outcome = std::find(std::begin(kOutcomes), std::end(kOutcomes), fields[0]);
      if (text.eof() || fields.size() != 4 || outcome == std::end(kOutcomes)) continue;
      entries_[from_plain(fields[1])] = {static_cast<Outcome>(outcome - std::begin(kOutcomes)), fields[2], from_plain(fields[3])};
      whole += line + '\n';
    }
  }
  write_whole(path_, whole);
  file_.open(path_, std::ios::binary | std::ios::app);
}

std::string PrepareJournal::stamp_of(const std::string& source, const Box* face) {
  // A frame of a video (file#n) or a line of a CSV (file:n) is as old as its file.
  std::string file = source;
  std::error_code fault;
  if (!fs::is_regular_file(file, fault)) file = source.substr(0, source.find_last_of("#:"));
  const auto size = fs::file_size(file, fault);
  if (fault) return "missing";
  std::string stamp = std::to_string(size) + "-" + std::to_string(fs::last_write_time(file, fault).time_since_epoch().count());
  if (face != nullptr)
    for (const float value : {face->x, face->y, face->width, face->height}) stamp += "-" + std::to_string(value);
  return stamp;
}

const PrepareJournal::Entry* PrepareJournal::find(const std::string& crop, const std::string& stamp) const {
  const auto found = entries_.find(crop);
  return found == entries_.end() || found->second.stamp != stamp ? nullptr : &found->second;
}

void PrepareJournal::add(const std::string& crop, const std::string& stamp, Outcome outcome, const std::string& reason) {
  const std::string line =
      std::string(kOutcomes[static_cast<int>(outcome)]) + '\t' + plain(crop) + '\t' + stamp + '\t' + plain(reason) + '\n';
  const std::lock_guard lock(mutex_);
  file_ << line;
  file_.flush();
  if (!file_) throw Error(ErrorCode::kIo, path_ + ": cannot be written");
}

}  // namespace fmpn::train
