#pragma once

namespace fmpn::train {

/// Ends the program with `status`, all output written. After CUDA was asked for, static objects are not destroyed.
[[noreturn]] void exit_program(int status);

}  // namespace fmpn::train
