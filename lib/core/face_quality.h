#pragma once

#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

namespace fmpn {

/// 0…1, the product of four factors: size (eyes 24 px apart or more is full), sharpness of the crop, pose (how far the
/// nose leaves the middle between the eyes) and how badly the landmarks fit the template. `crop` is the face at
/// kQualitySide pixels, whatever size the networks take: sharpness means something at one scale only.
constexpr int kQualitySide = 52;
float face_quality(const Landmarks& landmarks, const Affine& warp, const Image& crop);

}  // namespace fmpn
