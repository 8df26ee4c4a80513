#include "exit_program.h"

#include <cstdio>
#include <cstdlib>

#include "runtime/device.h"

namespace fmpn::train {

void exit_program(int status) {
  // LibTorch 2.11 with CUDA has been seen to crash while its static objects were destroyed, after all work was done and written: the exit
  // status would report a failure where there was none.
  if (cuda_was_asked_for()) {
    std::fflush(nullptr);
    std::_Exit(status);
  }
  std::exit(status);
}

}  // namespace fmpn::train
