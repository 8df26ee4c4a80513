#include "runtime/pixel_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fmpn {
namespace {

struct Bfloat16 {
  std::uint16_t bits;
};

float value(float x) { return x; }
float value(Bfloat16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}
void store(float x, float* out) { *out = x; }
void store(float x, Bfloat16* out) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, 4);
  out->bits = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // to nearest, ties to even; no value here is a NaN
}

/// Calls `body` with a null pointer of the element's type.
template <typename Body>
void by_type(const PixelBlock& shape, const Body& body) {
  if (shape.bf16) body(static_cast<Bfloat16*>(nullptr));
  else body(static_cast<float*>(nullptr));
}

constexpr std::int64_t kManyValues = 16'384;  // below it waking threads costs more than it saves

const char* pixel(const void* block, const PixelBlock& shape, std::int64_t n, std::int64_t y, std::int64_t x) {
  return static_cast<const char*>(block) + ((n * shape.h + y) * shape.w + x) * shape.pixel_bytes();
}

float activated(float x, const PixelStep& step) {
  switch (step.activation) {
    case PixelStep::Activation::kLeaky: return x > 0 ? x : x * step.slope;
    case PixelStep::Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    default: return x;
  }
}

}  // namespace

void from_float(const float* in, const PixelBlock& shape, void* out) {
  by_type(shape, [&](auto* type) {
    auto* target = static_cast<decltype(type)>(out);
    for (std::int64_t i = 0; i < shape.count(); ++i) store(in[i], target + i);
  });
}

void to_float(const void* in, const PixelBlock& shape, float* out) {
  by_type(shape, [&](auto* type) {
    const auto* source = static_cast<decltype(type)>(const_cast<void*>(in));
    for (std::int64_t i = 0; i < shape.count(); ++i) out[i] = value(source[i]);
  });
}

void interleave_phases(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape) {
  const auto bytes = static_cast<std::size_t>(out_shape.pixel_bytes());
  const std::int64_t rows = out_shape.n * out_shape.h;
#pragma omp parallel for if (out_shape.count() > kManyValues)
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t n = row / out_shape.h, y = row % out_shape.h, a = y & 1;
    char* target = static_cast<char*>(out) + row * out_shape.w * out_shape.pixel_bytes();
    for (std::int64_t x = 0; x < out_shape.w; ++x, target += bytes) {
      const std::int64_t b = x & 1;
      std::memcpy(target, pixel(in, in_shape, n, (y >> 1) + a, (x >> 1) + b) + (2 * a + b) * out_shape.pixel_bytes(), bytes);
    }
  }
}

void copy_channels(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape, std::int64_t offset) {
  const std::int64_t item = in_shape.bf16 ? 2 : 4;
  const auto bytes = static_cast<std::size_t>(in_shape.pixel_bytes());
#pragma omp parallel for if (in_shape.count() > kManyValues)
  for (std::int64_t i = 0; i < in_shape.pixels(); ++i)
    std::memcpy(static_cast<char*>(out) + i * out_shape.pixel_bytes() + offset * item,
                static_cast<const char*>(in) + i * in_shape.pixel_bytes(), bytes);
}

void pick_pixels(const void* in, const PixelBlock& in_shape, std::int64_t stride_y, std::int64_t stride_x, void* out,
                 const PixelBlock& out_shape) {
  const auto bytes = static_cast<std::size_t>(out_shape.pixel_bytes());
  auto* target = static_cast<char*>(out);
  for (std::int64_t n = 0; n < out_shape.n; ++n)
    for (std::int64_t y = 0; y < out_shape.h; ++y)
      for (std::int64_t x = 0; x < out_shape.w; ++x, target += bytes)
        std::memcpy(target, pixel(in, in_shape, n, y * stride_y, x * stride_x), bytes);
}

void adaptive_average(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape) {
  by_type(in_shape, [&](auto* type) {
    using Pixels = decltype(type);
    auto* target = static_cast<Pixels>(out);
    std::vector<float> sum(static_cast<std::size_t>(in_shape.c));
    for (std::int64_t n = 0; n < out_shape.n; ++n)
      for (std::int64_t y = 0; y < out_shape.h; ++y)
        for (std::int64_t x = 0; x < out_shape.w; ++x, target += in_shape.c) {
          const std::int64_t top = y * in_shape.h / out_shape.h, bottom = ((y + 1) * in_shape.h + out_shape.h - 1) / out_shape.h;
          const std::int64_t left = x * in_shape.w / out_shape.w, right = ((x + 1) * in_shape.w + out_shape.w - 1) / out_shape.w;
          std::fill(sum.begin(), sum.end(), 0.0F);
          for (std::int64_t v = top; v < bottom; ++v)
            for (std::int64_t u = left; u < right; ++u) {
              const auto* source = reinterpret_cast<Pixels>(const_cast<char*>(pixel(in, in_shape, n, v, u)));
              for (std::int64_t c = 0; c < in_shape.c; ++c) sum[static_cast<std::size_t>(c)] += value(source[c]);
            }
          const float share = 1.0F / static_cast<float>((bottom - top) * (right - left));
          for (std::int64_t c = 0; c < in_shape.c; ++c) store(sum[static_cast<std::size_t>(c)] * share, target + c);
        }
  });
}

void apply_step(const void* in, const PixelBlock& shape, const PixelStep& step, const void* addend, void* out) {
  by_type(shape, [&](auto* type) {
    using Pixels = decltype(type);
    const auto* source = static_cast<Pixels>(const_cast<void*>(in));
    const auto* added = static_cast<Pixels>(const_cast<void*>(addend));
    auto* target = static_cast<Pixels>(out);
    const bool scaled = !step.scale.empty();
#pragma omp parallel for if (shape.count() > kManyValues)
    for (std::int64_t i = 0; i < shape.pixels(); ++i)
      for (std::int64_t c = 0; c < shape.c; ++c) {
        const std::int64_t k = i * shape.c + c;
        const auto channel = static_cast<std::size_t>(c);
        const float x = scaled ? value(source[k]) * step.scale[channel] + step.shift[channel] : value(source[k]);
        store(activated(x, step) + (added != nullptr ? value(added[k]) : 0.0F), target + k);
      }
  });
}

}  // namespace fmpn
