#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// The same for pictures of the same pixels, and another for any others but for a chance of 2⁻⁶⁴. `bytes`: all pixels of a picture that
/// is `width` wide.
inline std::uint64_t pixel_key(const std::uint8_t* bytes, std::size_t count, int width) {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // odd: no two widths come to the same
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes), count}) ^ static_cast<std::uint64_t>(width) * kSpread;
}
inline std::uint64_t pixel_key(const Image& picture) { return pixel_key(picture.pixels.data(), picture.pixels.size(), picture.width); }

}  // namespace fmpn::train
