#pragma once

#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fingerprint.h"
#include "shard.h"

namespace fmpn::annotate {

enum class State { kDone, kFailed, kPartial };

/// What became of one input.
struct Entry {
  std::string name;    ///< of its result folder
  std::string source;  ///< as the user named it
  State state = State::kPartial;
  std::string reason;        ///< why it failed; else empty
  std::string settings;      ///< hash of the settings that it was annotated with
  Fingerprint fingerprint;   ///< of the input then
};

/// OUT/manifest.jsonl, or OUT/manifest-I-of-N.jsonl for a shard: a line each time an input's fate is known, the last line of
/// an input counts. A run begins with a line that says so; what earlier ones did stays, for --resume. A line is appended whole and flushed,
/// so that a crash loses none; a torn last line is passed over.
/// Locked as long as it is open, so that two processes do not write one output folder.
class Manifest {
 public:
  /// Opens or makes it. One that is damaged is an error where its entries are needed, with `resume`, and begun anew otherwise. Throws kIo,
  /// kBadFormat, and kBadSetting where another process has it open.
  Manifest(const std::string& folder, const Shard& shard, bool resume);
  ~Manifest();
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  /// What became of an input last, in this run or an earlier one.
  std::optional<Entry> find(const std::string& name) const;
  /// Safe to call from several threads. Throws kIo.
  void add(const Entry& entry);
  /// Marks that this process has come to its end with every input done or failed.
  void complete(std::size_t inputs);

 private:
  void append(const std::string& line);

  std::string path_;
  std::FILE* file_ = nullptr;
  mutable std::mutex mutex_;  ///< guards all below, and the file
  std::map<std::string, Entry> entries_;
};

/// A manifest read from disk.
struct ManifestFile {
  std::string path;
  Shard shard;
  bool complete = false;
  std::vector<Entry> entries;   ///< in order of name
  std::vector<Entry> last_run;  ///< those of the run that came last, done in it or skipped; in order of name
};

/// Throws kNotFound or kBadFormat.
ManifestFile read_manifest(const std::string& path);

}  // namespace fmpn::annotate
