#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmpn/export.h>

namespace fmpn {

/// Pixel layouts that the library reads. Values are 8-bit sRGB, full range 0…255.
enum class PixelFormat { kGray8, kRgb8 };

/// Bytes of one pixel: 1 or 3.
constexpr int channels(PixelFormat format) { return format == PixelFormat::kGray8 ? 1 : 3; }

/// A picture that somebody else owns. `stride` is in bytes and at least width × channels.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
  PixelFormat format = PixelFormat::kRgb8;
};

/// A picture that owns its pixels, rows without padding.
struct Image {
  std::vector<std::uint8_t> pixels;
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::kRgb8;

  bool empty() const { return pixels.empty(); }
  ImageView view() const {
    return {pixels.data(), width, height, std::ptrdiff_t{width} * channels(format), format};
  }
};

/// Reads a picture file (whatever OpenCV decodes; EXIF orientation applied) as RGB of 8 bits; an alpha channel is dropped.
/// Throws kNotFound where there is no such file, or it cannot be opened, kBadFormat where it is no picture.
FMPN_API Image read_image(const std::string& path);

/// Writes a gray or RGB picture, whole or not at all, which needs a folder that can be written to; the suffix (.png, .jpg)
/// chooses the format. Throws kIo, and kBadSetting for a picture without pixels.
FMPN_API void write_image(const std::string& path, const ImageView& image);

}  // namespace fmpn
