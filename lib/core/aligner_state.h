#pragma once

#include <memory>

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

struct Aligner::State {
  AlignerOptions options;
  FaceDetector detector;
  std::shared_ptr<const LandmarkModel> landmarks;
};

/// What of a box lies in the frame, a pixel at least.
Box clipped(const Box& box, const ImageView& frame);

/// The faces of a frame, largest first, at most max_faces.
std::vector<FoundFace> find_faces(const ImageView& frame, FaceDetector& detector, const LandmarkModel& landmarks,
                                  const AlignerOptions& options);

/// From a detection and its landmarks to the aligned face: the one place that warps.
AlignedFace finish_face(const ImageView& frame, const Detection& detection, const Landmarks& landmarks, int crop_size);

}  // namespace fmpn
