#include "manifest.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/json_text.h"

namespace fmpn::annotate {
namespace {

using nlohmann::json;

constexpr const char* kStates[] = {"done", "failed", "partial"};

std::string text_of(const json& value) { return json_text(value) + "\n"; }

std::string header(const Shard& shard) {
  return text_of({{"manifest", "fmpn-annotate"}, {"version", 1}, {"shard", shard.index}, {"shards", shard.count}});
}

std::string line_of(const Entry& entry) {
  return text_of({{"name", entry.name},
                  {"source", entry.source},
                  {"state", kStates[static_cast<int>(entry.state)]},
                  {"reason", entry.reason},
                  {"settings", entry.settings},
                  {"size", entry.fingerprint.size},
                  {"modified", entry.fingerprint.modified},
                  {"sha256", entry.fingerprint.sha256}});
}

Entry entry_of(const json& line) {
  Entry entry;
  entry.name = line.at("name");
  entry.source = line.at("source");
  const std::string state = line.at("state");
  while (state != kStates[static_cast<int>(entry.state)]) {
    if (entry.state == State::kDone) throw std::runtime_error("state " + state + " is unknown");
    entry.state = static_cast<State>(static_cast<int>(entry.state) - 1);
  }
  entry.reason = line.at("reason");
  entry.settings = line.at("settings");
  entry.fingerprint.size = line.at("size");
  entry.fingerprint.modified = line.at("modified");
  entry.fingerprint.sha256 = line.at("sha256");
  return entry;
}

[[noreturn]] void fail(const std::string& path) { throw Error(ErrorCode::kIo, path + ": " + std::strerror(errno)); }

std::string path_of(const std::string& folder, const Shard& shard) {
  const std::string part = shard.whole() ? "" : "-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count);
  return (std::filesystem::path(folder) / ("manifest" + part + ".jsonl")).string();
}

/// Bytes up to the last line end: what a writer that was cut off left behind it is dropped.
off_t whole_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  off_t at = 0, whole = 0;
  for (std::string line; std::getline(file, line);) {
    at += static_cast<off_t>(line.size()) + 1;
    if (!file.eof()) whole = at;
  }
  return whole;
}

}  // namespace

ManifestFile read_manifest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": cannot be read");
  ManifestFile manifest;
  manifest.path = path;
  std::map<std::string, Entry> entries, last_run;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (file.eof()) break;  // no line end: the writer was cut off here
    try {
      const json value = json::parse(line);
      if (number == 1) {
        if (value.at("manifest") != "fmpn-annotate" || value.at("version") != 1) throw std::runtime_error("not a manifest of this version");
        manifest.shard = {value.at("shard"), value.at("shards")};
      } else if (value.contains("begin")) {
        manifest.complete = false;
        last_run.clear();
      } else if (value.contains("complete")) {
        manifest.complete = true;
      } else {
        Entry entry = entry_of(value);
        manifest.complete = false;
        last_run[entry.name] = entries[entry.name] = entry;
      }
    } catch (const std::exception& fault) {
      throw Error(ErrorCode::kBadFormat, path + ", line " + std::to_string(number) + ": " + fault.what());
    }
  }
  for (auto& [name, entry] : entries) manifest.entries.push_back(std::move(entry));
  for (auto& [name, entry] : last_run) manifest.last_run.push_back(std::move(entry));
  return manifest;
}

Manifest::Manifest(const std::string& folder, const Shard& shard, bool resume) : path_(path_of(folder, shard)) {
  file_ = std::fopen(path_.c_str(), "a+e");
  if (file_ == nullptr) fail(path_);
  if (flock(fileno(file_), LOCK_EX | LOCK_NB) != 0) {
    std::fclose(file_);
    throw Error(ErrorCode::kBadSetting, folder + ": another fmpn-annotate is writing to this folder");
  }
  try {
    off_t whole = whole_lines(path_);
    try {
      if (whole > 0)
        for (Entry& entry : read_manifest(path_).entries) entries_[entry.name] = std::move(entry);
    } catch (const Error&) {
      if (resume) throw;
      whole = 0;
    }
    if (ftruncate(fileno(file_), whole) != 0) fail(path_);
    append(whole == 0 ? header(shard) : text_of({{"begin", true}}));
  } catch (const Error&) {
    std::fclose(file_);
    throw;
  }
}

Manifest::~Manifest() { std::fclose(file_); }

std::optional<Entry> Manifest::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? std::nullopt : std::optional<Entry>(found->second);
}

void Manifest::add(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  append(line_of(entry));
  entries_[entry.name] = entry;
}

void Manifest::complete(std::size_t inputs) {
  const std::lock_guard lock(mutex_);
  append(text_of({{"complete", true}, {"inputs", inputs}}));
}

void Manifest::append(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0) fail(path_);
}

}  // namespace fmpn::annotate
