#pragma once

#include <memory>
#include <string>

#include <opencv2/core.hpp>

#include <fmpn/geometry.h>

#include "core/shape_trees.h"

namespace fmpn {

/// dlib's shape predictor (68 or 5 points), reduced to our five landmarks. Immutable and shared by all who name the
/// same file: loading the 68-point model takes 0.3 s and 100 MB.
class LandmarkModel {
 public:
  static std::shared_ptr<const LandmarkModel> load(const std::string& path);

  /// `gray` is 8-bit, one channel; `face` a box as dlib's frontal detector gives it, in pixels of `gray`.
  Landmarks predict(const cv::Mat& gray, const Box& face) const;

 private:
  ShapeTrees predictor_;
};

}  // namespace fmpn
