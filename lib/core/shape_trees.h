#pragma once

#include <cstdint>
#include <istream>
#include <vector>

#include <dlib/image_processing/shape_predictor.h>
#include <dlib/opencv.h>

namespace fmpn {

/// dlib's shape predictor (Kazemi and Sullivan, CVPR 2014) on 8-bit gray, read from dlib's file, with the same points to the last bit. Its
/// time goes into fetching leaves, seven thousand of them, from 100 MB: here all trees of a stage are walked first, their leaves asked for
/// from memory meanwhile, and added afterwards. Immutable.
class ShapeTrees {
 public:
  /// Throws dlib::serialization_error for a file that is not one, or that contradicts itself.
  void read(std::istream& in);
  unsigned long parts() const { return static_cast<unsigned long>(mean_.size()) / 2; }
  std::vector<dlib::point> operator()(const dlib::cv_image<unsigned char>& image, const dlib::rectangle& box) const;

 private:
  using Shape = dlib::matrix<float, 0, 1>;
  struct Split {
    std::uint32_t one, other;  ///< pixels to compare
    float threshold;
  };
  struct Stage {
    std::vector<unsigned long> anchors;            ///< for each pixel the point that it goes with
    std::vector<dlib::vector<float, 2>> offsets;  ///< and where it lies from there
    std::size_t trees = 0, splits = 0;             ///< splits of one tree; it has one leaf more
    std::vector<Split> nodes;                      ///< tree by tree, each from its root in breadth
    std::vector<float> leaves;                     ///< tree by tree, a shape's worth each
  };
  void take(Stage& stage, const std::vector<dlib::impl::regression_tree>& trees) const;

  Shape mean_;
  std::vector<Stage> stages_;
};

}  // namespace fmpn
