#include "overlay_palette.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmpn/labels.h>

namespace fmpn::overlay {
namespace {

using Colours = std::array<Rgb, kExpressions.size()>;

// In the order of kExpressions. Okabe and Ito's black would vanish on the dark plates: neutral is grey instead.
constexpr Colours kOkabeIto{{
    {213, 94, 0},     // anger: vermilion
    {204, 121, 167},  // contempt: reddish purple
    {0, 158, 115},    // disgust: bluish green
    {0, 114, 178},    // fear: blue
    {240, 228, 66},   // happiness: yellow
    {86, 180, 233},   // sadness: sky blue
    {230, 159, 0},    // surprise: orange
    {200, 200, 200},  // neutral
}};

// Viridis from 0.3 to 1: the darkest third would not stand out from the plates.
constexpr Colours kViridis{{
    {53, 95, 141},
    {42, 120, 142},
    {33, 145, 140},
    {34, 168, 132},
    {68, 191, 112},
    {122, 209, 81},
    {189, 223, 38},
    {253, 231, 37},
}};

// Inferno at 0, 1/8 … 1.
constexpr std::array<Rgb, 9> kInferno{{
    {0, 0, 4},
    {31, 12, 72},
    {85, 15, 109},
    {136, 34, 106},
    {186, 54, 85},
    {227, 89, 51},
    {249, 140, 10},
    {249, 201, 50},
    {252, 255, 164},
}};

std::size_t class_index(std::string_view name) {
  const auto known = std::find(kExpressions.begin(), kExpressions.end(), name);
  if (known != kExpressions.end()) return static_cast<std::size_t>(known - kExpressions.begin());
  // FNV-1a and not std::hash: the colour must be the same in every process.
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % kExpressions.size();
}

double interpolated(std::uint8_t from, std::uint8_t to, double t) { return from + (to - from) * t; }

}  // namespace

Rgb expression_colour(Palette palette, std::string_view name) {
  switch (palette) {
    case Palette::kOkabeIto:
      return kOkabeIto[class_index(name)];
    case Palette::kViridis:
      return kViridis[class_index(name)];
    case Palette::kMono:
      break;
  }
  return kUnknownColour;
}

std::array<std::uint32_t, 256> heat_map(double opacity) {
  std::array<std::uint32_t, 256> map{};
  for (std::size_t value = 0; value < map.size(); ++value) {
    const double v = static_cast<double>(value) / 255.0;
    // The ramp starts above inferno's blacks: they would only darken the skin without telling anything.
    const double position = (0.25 + 0.75 * v) * (kInferno.size() - 1);
    const std::size_t step = std::min(static_cast<std::size_t>(position), kInferno.size() - 2);
    const double t = position - static_cast<double>(step);
    const Rgb& from = kInferno[step];
    const Rgb& to = kInferno[step + 1];
    const double alpha = opacity * v;
    const auto byte = [](double x) { return static_cast<std::uint32_t>(std::lround(x)); };
    map[value] = byte(alpha * 255) << 24 | byte(alpha * interpolated(from.r, to.r, t)) << 16 |
                 byte(alpha * interpolated(from.g, to.g, t)) << 8 | byte(alpha * interpolated(from.b, to.b, t));
  }
  return map;
}

}  // namespace fmpn::overlay
