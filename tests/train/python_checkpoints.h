#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::test {

/// Runs checkpoints.py with Debian's Python, the one that sees python3-torch. Status 77 or 127: not installed.
inline Outcome run_checkpoints(const std::string& command, const std::string& folder, const std::string& face) {
  const char* root = std::getenv("FMPN_SOURCE_ROOT");
  return run_program(
      {"/usr/bin/python3", std::string(root != nullptr ? root : ".") + "/tests/train/checkpoints.py", command, folder, face});
}

}  // namespace fmpn::test
