#pragma once

#include <vector>

#include <dlib/image_processing/frontal_face_detector.h>

#include "core/hog_features.h"

namespace fmpn {

/// The filters of dlib's five face detectors (front, left, right, and front turned to either side), ordered for the scan: for each
/// plane of features its separable filters. Immutable.
class HogFilters {
 public:
  struct Filter {
    int bank = 0;
    float row[HogFeatures::kWindow];
    float column[HogFeatures::kWindow];
  };

  explicit HogFilters(const dlib::frontal_face_detector& detector);
  int banks() const { return static_cast<int>(thresholds_.size()); }
  double threshold(int bank) const { return thresholds_[static_cast<std::size_t>(bank)]; }
  const std::vector<Filter>& of_plane(int plane) const { return filters_[static_cast<std::size_t>(plane)]; }

 private:
  std::vector<Filter> filters_[HogFeatures::kPlanes];
  std::vector<double> thresholds_;
};

/// A window whose sum of filtered features reaches its bank's threshold.
struct HogHit {
  int row = 0, column = 0, bank = 0;
  double score = 0;  ///< above the bank's own threshold
};

/// Lays every filter's window at every place of the features. One instance per thread.
class HogScanner {
 public:
  /// The windows with a score of at least `threshold`, by place.
  void scan(const HogFeatures& features, const HogFilters& filters, double threshold, std::vector<HogHit>& hits);

 private:
  std::vector<float> rows_, sums_;
};

}  // namespace fmpn
