#pragma once

#include <string>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// The picture as the bytes of a PNG file. Throws kIo.
std::string png_bytes(const ImageView& picture);
/// Writes it as a PNG file, whole or not at all. Throws kIo.
void write_whole_png(const std::string& path, const ImageView& picture);

}  // namespace fmpn::train
