#pragma once

#include <atomic>
#include <cstdint>

namespace fmpn::annotate {

/// How far one input is; written by its pipeline, read by whoever shows it.
struct Meter {
  std::atomic<std::uint64_t> frames{0};
  std::atomic<double> position{0};  ///< seconds in the medium
  std::atomic<double> duration{0};  ///< seconds that the medium announces; 0: unknown
};

}  // namespace fmpn::annotate
