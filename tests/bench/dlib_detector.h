#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include <fmpn/geometry.h>

namespace fmpn::bench {

/// dlib's own frontal-face detector on a whole gray picture, from 80 px; built for the machine at hand.
std::vector<Box> dlib_faces(const cv::Mat& gray);

}  // namespace fmpn::bench
