#include "leave.h"

#include <cstdio>
#include <cstdlib>

#include "runtime/device.h"

namespace fmpn::train {

void leave(int status) {
  // With CUDA, LibTorch 2.11 has been seen to crash while it takes its static objects down, after all work was done and written: the exit
  // status would tell of a fault that there is none.
  if (cuda_was_used()) {
    std::fflush(nullptr);
    std::_Exit(status);
  }
  std::exit(status);
}

}  // namespace fmpn::train
