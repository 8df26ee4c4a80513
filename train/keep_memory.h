#pragma once

#include <malloc.h>

namespace fmpn::train {

/// Every step asks for the blocks that the step before has freed. glibc would give large ones back to the system, which fills new ones with
/// zeros page by page: at 299 px a sixth of a training's time. The heap keeps them from now on.
inline void keep_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

}  // namespace fmpn::train
