#pragma once

#include <sched.h>

#include <algorithm>
#include <thread>

namespace fmpn {

/// How many processors this process may use: a batch system's or taskset's share of the machine, of which
/// std::thread::hardware_concurrency() knows nothing.
inline int usable_processors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // more than cpu_set_t has room for
}

}  // namespace fmpn
