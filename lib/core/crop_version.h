#pragma once

namespace fmpn {

/// Version of the crops that warp_face() and the faces found for it come to. To be raised with every change that gives a picture another
/// crop (detection, landmarks, warp), so that `prepare` does not mix crops of two versions in one data set.
constexpr int kCropVersion = 1;

}  // namespace fmpn
