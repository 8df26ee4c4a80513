#include "core/shape_trees.h"

#include <algorithm>

namespace fmpn {
namespace {

constexpr std::size_t kCacheLine = 64 / sizeof(float);

void require(bool holds) {
  if (!holds) throw dlib::serialization_error("a shape predictor that contradicts itself");
}

}  // namespace

void ShapeTrees::read(std::istream& in) {
  int version = 0;
  std::vector<std::vector<dlib::impl::regression_tree>> forests;
  std::vector<std::vector<unsigned long>> anchors;
  std::vector<std::vector<dlib::vector<float, 2>>> offsets;
  dlib::deserialize(version, in);
  if (version != 1) throw dlib::serialization_error("not a shape predictor of version 1");
  dlib::deserialize(mean_, in);
  dlib::deserialize(forests, in);
  dlib::deserialize(anchors, in);
  dlib::deserialize(offsets, in);
  require(mean_.size() > 0 && mean_.size() % 2 == 0 && anchors.size() == forests.size() && offsets.size() == forests.size());
  stages_.resize(forests.size());
  for (std::size_t i = 0; i < forests.size(); ++i) {
    stages_[i].anchors = std::move(anchors[i]), stages_[i].offsets = std::move(offsets[i]);
    take(stages_[i], forests[i]);
    forests[i] = {};
  }
}

void ShapeTrees::take(Stage& stage, const std::vector<dlib::impl::regression_tree>& trees) const {
  const std::size_t pixels = stage.offsets.size();
  require(stage.anchors.size() == pixels && !trees.empty());
  require(std::all_of(stage.anchors.begin(), stage.anchors.end(), [&](unsigned long anchor) { return anchor < parts(); }));
  stage.trees = trees.size(), stage.splits = trees[0].splits.size();
  require((stage.splits & (stage.splits + 1)) == 0);  // every level is full
  stage.nodes.reserve(stage.trees * stage.splits);
  stage.leaves.reserve(stage.trees * (stage.splits + 1) * static_cast<std::size_t>(mean_.size()));
  for (const auto& tree : trees) {
    require(tree.splits.size() == stage.splits && tree.leaf_values.size() == stage.splits + 1);
    for (const auto& split : tree.splits) {
      require(split.idx1 < pixels && split.idx2 < pixels);
      stage.nodes.push_back({static_cast<std::uint32_t>(split.idx1), static_cast<std::uint32_t>(split.idx2), split.thresh});
    }
    for (const auto& leaf : tree.leaf_values) {
      require(leaf.size() == mean_.size());
      stage.leaves.insert(stage.leaves.end(), leaf.begin(), leaf.end());
    }
  }
}

std::vector<dlib::point> ShapeTrees::operator()(const dlib::cv_image<unsigned char>& image, const dlib::rectangle& box) const {
  Shape shape = mean_;
  const auto size = static_cast<std::size_t>(shape.size());
  std::vector<float> pixels;
  std::vector<const float*> leaves;
  for (const Stage& stage : stages_) {
    dlib::impl::extract_feature_pixel_values(image, box, shape, mean_, stage.anchors, stage.offsets, pixels);
    leaves.clear();
    for (std::size_t tree = 0; tree < stage.trees; ++tree) {
      const Split* nodes = stage.nodes.data() + tree * stage.splits;
      std::size_t at = 0;
      while (at < stage.splits) at = 2 * at + (pixels[nodes[at].one] - pixels[nodes[at].other] > nodes[at].threshold ? 1 : 2);
      const float* leaf = stage.leaves.data() + (tree * (stage.splits + 1) + at - stage.splits) * size;
      for (std::size_t i = 0; i < size; i += kCacheLine) __builtin_prefetch(leaf + i);
      leaves.push_back(leaf);
    }
    // In the order of the trees: sums of floats depend on it.
    float* const sums = &shape(0);
    for (const float* leaf : leaves)
      for (std::size_t i = 0; i < size; ++i) sums[i] += leaf[i];
  }
  const dlib::point_transform_affine to_image = dlib::impl::unnormalizing_tform(box);
  std::vector<dlib::point> points(parts());
  for (unsigned long i = 0; i < points.size(); ++i) points[i] = to_image(dlib::impl::location(shape, i));
  return points;
}

}  // namespace fmpn
