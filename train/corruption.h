#pragma once

#include <string>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// What a bad camera, a long way or a poor codec does to a picture, to see how a model bears it. Hendrycks and Dietterich (ICLR 2019)
/// call it a corruption and try ones like these:
///   resize:FACTOR      sides times 1/16…16: area-averaged where they shrink, Lanczos where they grow
///   blur:SIGMA         Gaussian, of 0.1…50 pixels
///   noise:SIGMA        Gaussian, of 1…128 in 255 levels, the same for R, G and B of a pixel, clipped
///   jpeg:QUALITY       compressed, a whole number of 1…100
///   brightness:FACTOR  levels times 0.05…4, clipped
///   contrast:FACTOR    levels' distances from the picture's mean times 0.05…4, clipped
///   rotate:DEGREES     −180…180 in the picture's plane, counter-clockwise; the edge is repeated
/// Levels are the file's, gamma-encoded.
struct Corruption {
  std::string kind;
  double strength = 0;
};

/// "blur:1.5". Throws kBadSetting that says what there is.
Corruption parse_corruption(const std::string& text);

/// A copy with all of them, one after the other. Noise is drawn from the picture's own pixels: the same picture always gets the same.
/// Throws kBadSetting where a side would become longer than 16,384 pixels.
Image corrupted(const ImageView& picture, const std::vector<Corruption>& corruptions);

}  // namespace fmpn::train
