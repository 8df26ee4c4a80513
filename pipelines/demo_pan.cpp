#include "demo_pan.h"

#include <algorithm>
#include <cmath>

namespace fmpn::demo {

PhotographPan::PhotographPan(const std::string& photograph, int width, int height, int frames)
    : photograph_(read_image(photograph)), width_(width), height_(height), frames_(frames) {}

Image PhotographPan::frame(int index) const {
  const double t = static_cast<double>(index) / frames_;
  // The window holds the photograph's width at most, and swings over its upper half, where a portrait has its face.
  const double zoom = 0.86 + 0.12 * std::cos(2 * M_PI * t);
  const double scale = zoom * photograph_.width / width_;
  const double free_x = photograph_.width - scale * width_;
  const double free_y = std::max(0.0, photograph_.height * 0.62 - scale * height_);
  const double left = free_x * (0.5 + 0.5 * std::sin(2 * M_PI * 2 * t));
  const double top = free_y * (0.5 - 0.5 * std::cos(2 * M_PI * t));
  Image out{std::vector<std::uint8_t>(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3), width_, height_,
            PixelFormat::kRgb8};
  std::uint8_t* pixel = out.pixels.data();
  for (int y = 0; y < height_; ++y) {
    const double sy = std::clamp(top + (y + 0.5) * scale - 0.5, 0.0, photograph_.height - 1.001);
    const auto row = static_cast<std::size_t>(sy);
    const double fy = sy - static_cast<double>(row);
    const std::uint8_t* above = photograph_.pixels.data() + row * static_cast<std::size_t>(photograph_.width) * 3;
    const std::uint8_t* below = above + static_cast<std::size_t>(photograph_.width) * 3;
    for (int x = 0; x < width_; ++x) {
      const double sx = std::clamp(left + (x + 0.5) * scale - 0.5, 0.0, photograph_.width - 1.001);
      const auto column = static_cast<std::size_t>(sx);
      const double fx = sx - static_cast<double>(column);
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t at = 3 * column + c;
        const double up = above[at] + fx * (above[at + 3] - above[at]);
        const double down = below[at] + fx * (below[at + 3] - below[at]);
        *pixel++ = static_cast<std::uint8_t>(std::lround(up + fy * (down - up)));
      }
    }
  }
  return out;
}

}  // namespace fmpn::demo
