#pragma once

#include <memory>
#include <vector>

#include <fmpn/aligner.h>

#include "core/face_detector.h"
#include "core/landmark_model.h"

namespace fmpn {

/// A face and where it was found. Unlike the face's own box this one may reach beyond the frame: it is what the landmarks hang on.
struct FoundFace {
  Box box;
  AlignedFace face;
  bool framed = true;  ///< the box is a detector's, not one that was carried along
};

/// What of a box lies in the frame, a pixel at least.
Box clipped(const Box& box, const ImageView& frame);

/// What Aligner and FaceTracker find and align faces with.
struct FaceFinder {
  AlignerOptions options;
  FaceDetector detector;
  std::shared_ptr<const LandmarkModel> landmarks;

  /// Throws what Aligner's constructor throws.
  explicit FaceFinder(const AlignerOptions& options);

  /// The faces of a frame, largest first, at most max_faces.
  std::vector<FoundFace> find(const ImageView& frame);
  /// See Aligner::align().
  AlignedFace align(const ImageView& frame, const Box& box, double score) const;
  /// From a detection and its landmarks to the aligned face: the one place that warps.
  AlignedFace finish(const ImageView& frame, const Detection& detection, const Landmarks& marks) const;
};

}  // namespace fmpn
