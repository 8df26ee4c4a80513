#pragma once

namespace fmpn::train {

/// Ends the program with `status`, all output written.
[[noreturn]] void leave(int status);

}  // namespace fmpn::train
