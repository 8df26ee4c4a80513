#pragma once

#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include <fmpn/geometry.h>

namespace fmpn::train {

/// What `prepare` has done so far, line by line, in DATA/prepare.journal: so that a stopped run goes on, and a second one
/// makes only what is new. Crops made with other settings are never taken for these.
class PrepareJournal {
 public:
  enum class Outcome { kAligned, kWhole, kFaceless, kUnreadable };
  struct Entry {
    Outcome outcome = Outcome::kAligned;
    std::string stamp;   ///< stamp_of() the source, so that a changed picture is read again
    std::string reason;  ///< of a failure
  };

  /// Reads what is there; a last line cut short by a kill is left out. `settings` (one line) says how crops are made, first "crops of
  /// version N, ". Throws kBadSetting where the folder's crops were made with other settings (naming both), kIo.
  PrepareJournal(const std::string& folder, const std::string& settings);

  /// The entry of a crop, where its source's stamp is still this; nullptr: to be made.
  const Entry* find(const std::string& crop, const std::string& stamp) const;
  /// `stamp`: of before the source was read. Thread-safe. Throws kIo.
  void add(const std::string& crop, const std::string& stamp, Outcome outcome, const std::string& reason = "");

  /// Of a source file's size and time, and of where the data set says that the face is (nullptr: nowhere).
  static std::string stamp_of(const std::string& source, const Box* face = nullptr);

 private:
  std::string path_;
  std::map<std::string, Entry> entries_;
  std::mutex mutex_;  // guards file_
  std::ofstream file_;
};

}  // namespace fmpn::train
