#pragma once

#include <array>
#include <string_view>

namespace fmpn {

/// What the names of pictures end with, in lower case: those that are looked for in a folder, to be trained on or to be annotated.
constexpr std::array<std::string_view, 10> kPictureSuffixes{".jpg", ".jpeg", ".jfif", ".png", ".bmp",
                                                            ".tif", ".tiff", ".webp", ".pgm", ".ppm"};

}  // namespace fmpn
