#pragma once

#include <memory>

#include <fmpn/aligner.h>

#include "core/face_detector.h"
#include "core/landmark_model.h"

namespace fmpn {

struct Aligner::State {
  AlignerOptions options;
  FaceDetector detector;
  std::shared_ptr<const LandmarkModel> landmarks;
};

/// From a detection and its landmarks to the aligned face: the one place that warps.
AlignedFace finish_face(const ImageView& frame, const Detection& detection, const Landmarks& landmarks, int crop_size);

}  // namespace fmpn
