#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fmpn::overlay {

/// A colour in sRGB, components 0…255.
struct Rgb {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;
};

inline bool operator==(Rgb a, Rgb b) { return a.r == b.r && a.g == b.g && a.b == b.b; }

enum class Palette {
  kOkabeIto,  ///< eight hues that people with any common colour blindness tell apart
  kViridis,   ///< eight steps of one ramp, ordered in lightness: also readable in grey
  kMono,      ///< white for everything
};

/// The colour of a face about which nothing has been said, and of `uncertain`.
constexpr Rgb kUnknownColour{236, 236, 236};
constexpr Rgb kUncertainColour{176, 176, 176};

/// The colour of a class. It depends on the name alone, so a class looks the same in every model and on every face;
/// names that are none of fmpn::kExpressions take the palette's entry that their hash points at.
Rgb expression_colour(Palette palette, std::string_view name);

/// The heat map of a motion mask as premultiplied ARGB32 words (cairo's native order), indexed by value 0…255.
/// Colours follow inferno's ramp; alpha grows with the value up to `opacity` (0…1), so that still skin stays visible.
std::array<std::uint32_t, 256> heat_map(double opacity);

}  // namespace fmpn::overlay
