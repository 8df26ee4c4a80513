#pragma once

#include <cstdint>
#include <vector>

namespace fmpn {

/// N pictures of H×W pixels with C channels each: a value of a network, channels last, in float or bfloat16.
struct PixelBlock {
  std::int64_t n = 1, c = 1, h = 1, w = 1;
  bool bf16 = false;
  std::int64_t pixels() const { return n * h * w; }
  std::int64_t count() const { return pixels() * c; }
  std::int64_t pixel_bytes() const { return c * (bf16 ? 2 : 4); }
  std::int64_t bytes() const { return pixels() * pixel_bytes(); }
};

// What oneDNN has no primitive for, or none for pixels that lie so. `in` and `out` never overlap.

void from_float(const float* in, const PixelBlock& shape, void* out);
void to_float(const void* in, const PixelBlock& shape, float* out);

/// Puts the four phases of a stride-2 transposed convolution side by side. `in`: (h+1)×(w+1) pixels of 4·C channels,
/// phase-major; its pixel (y + a, x + b) holds pixel (2y + a, 2x + b) of `out` in the channels of phase 2a + b.
void interleave_phases(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape);

/// `in` becomes the channels from `offset` on of every pixel of `out`.
void copy_channels(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape, std::int64_t offset);

/// Every stride-th pixel.
void pick_pixels(const void* in, const PixelBlock& in_shape, std::int64_t stride_y, std::int64_t stride_x, void* out,
                 const PixelBlock& out_shape);

/// Means over the windows that torch's adaptive_avg_pool2d takes.
void adaptive_average(const void* in, const PixelBlock& in_shape, void* out, const PixelBlock& out_shape);

/// One step on a value of its own: x → activation(x · scale + shift) + addend; scale and shift hold C numbers or none.
struct PixelStep {
  std::vector<float> scale, shift;
  enum class Activation { kNone, kLeaky, kSigmoid } activation = Activation::kNone;
  float slope = 0;
};
void apply_step(const void* in, const PixelBlock& shape, const PixelStep& step, const void* addend, void* out);

}  // namespace fmpn
