#pragma once

#include <vector>

#include <fmpn/image_view.h>
#include <fmpn/model_info.h>

namespace fmpn {

/// Aligned crops → the networks' input: N×S×S×3 floats in [0,1], channels last, the centre S×S of each crop; for a model
/// of colour `gray` all three channels hold the 8-bit luma. A crop that is already S×S is used whole. Throws kBadSetting
/// for another size.
std::vector<float> crop_pixels(const std::vector<ImageView>& crops, const ModelInfo& info);

/// N×S×S floats of luma for N×S×S×3 of RGB: 0.299 R + 0.587 G + 0.114 B.
std::vector<float> luma_of(const std::vector<float>& rgb);

/// Appends the mirror image of each of the N×S×S×C floats, in the same order: 2N×S×S×C.
void append_mirrored(std::vector<float>& pixels, int side, int channels);

}  // namespace fmpn
