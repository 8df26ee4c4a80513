#pragma once

#include <stdexcept>
#include <string>

#include <fmpn/export.h>

namespace fmpn {

/// What kind of fault it is, so that a caller can react without reading the message.
enum class ErrorCode {
  kNotFound,    ///< a file or folder that does not exist or cannot be opened
  kBadFormat,   ///< a file that exists but is not what it should be
  kBadSetting,  ///< an option or argument outside its range
  kRuntime,     ///< a fault while computing
  kIo,          ///< writing failed (full disk, unwritable folder)
};

/// The one exception type that the library throws. `what()` names the file, key or option at fault.
class FMPN_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace fmpn
