#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// What a bad camera, a long way or a poor codec does to a picture, to see how a model bears it. Hendrycks and Dietterich (ICLR 2019)
/// call it a corruption and try ones like these. Of:
///   "resize"      sides times 1/16…16: area-averaged where they shrink, Lanczos where they grow
///   "blur"        Gaussian, σ 0.1…50 pixels
///   "noise"       Gaussian in the luma, σ 1…128 of 255 gray levels
///   "jpeg"        compressed, quality 1…100
///   "brightness"  gray levels times 0.05…4, clipped at white
///   "contrast"    distances from the picture's mean times 0.05…4, clipped
///   "rotate"      −180…180 degrees about the centre, the edge repeated
struct Corruption {
  std::string kind;
  double strength = 0;
};

/// "blur:1.5". Throws kBadSetting that says what there is.
Corruption parse_corruption(const std::string& text);

/// A copy with all of them, one after the other. `seed` fixes the noise.
Image corrupted(const ImageView& picture, const std::vector<Corruption>& corruptions, std::uint64_t seed);

}  // namespace fmpn::train
