#pragma once

#include <cstring>

namespace fmpn {

/// Eight floats that are added and multiplied together: one AVX register, or two of SSE or NEON. Arithmetic is IEEE's in each
/// lane, so every build computes the same bits (the library is compiled without fused multiply-adds).
using Lanes = float __attribute__((vector_size(32)));
constexpr int kLanes = 8;

/// Four floats.
using Quad = float __attribute__((vector_size(16)));

[[gnu::always_inline]] inline void load(Lanes& lanes, const float* from) { std::memcpy(&lanes, from, sizeof lanes); }
[[gnu::always_inline]] inline void store(float* to, const Lanes& lanes) { std::memcpy(to, &lanes, sizeof lanes); }

}  // namespace fmpn
