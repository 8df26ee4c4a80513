#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gst/video/video.h>

#include <fmpn/aligner.h>
#include <fmpn/motion_mask.h>

namespace fmpn::gst {

/// The `expression` param of a face region.
struct ExpressionAnnotation {
  std::string label;     ///< a class name, or "uncertain"
  int label_id = -1;     ///< index in the model's classes; -1 for uncertain
  double confidence = 0; ///< of the most probable class
  std::vector<std::pair<std::string, double>> distribution;  ///< in the model's order, sums to 1
  double entropy = 0;    ///< bits
  int frames_ago = 0;    ///< 0: inferred on this frame
  std::string model_name;
};

/// Everything known about one face of a buffer, as values. Boxes and landmarks are in the frame's pixels.
struct FaceAnnotation {
  int region_id = 0;  ///< GstVideoRegionOfInterestMeta::id
  int track_id = 0;   ///< `object_id` param; 0: none
  Box box;
  double score = 0;
  float quality = 1;
  std::optional<Landmarks> landmarks;
  std::optional<ExpressionAnnotation> expression;
  // From our own meta (fmpn_face_meta.h); empty where a foreign detector made the region.
  Affine warp{};      ///< frame → crop of crop.width
  Image crop;
  MotionMask mask;
};

/// Reads every region of type `face`, ours or another element's, with whatever params it has.
std::vector<FaceAnnotation> read_faces(GstBuffer* buffer);

/// Adds a region with `detection`, `object_id` and `landmarks` params, and our own meta with crop and warp.
void attach_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoInfo& info);

/// Adds or replaces the `expression` param of the region `region_id`.
void attach_expression(GstBuffer* buffer, int region_id, const ExpressionAnnotation& expression);

/// Stores the motion mask in the face meta of region `region_id`.
void attach_mask(GstBuffer* buffer, int region_id, const MotionMask& mask);

}  // namespace fmpn::gst
