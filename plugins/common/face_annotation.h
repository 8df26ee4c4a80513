#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gst/video/video.h>

#include <fmpn/geometry.h>
#include <fmpn/motion_mask.h>

#include "face_meta.h"

namespace fmpn::gst {

/// The label of a face that the product does not judge: too little confidence or quality.
constexpr const char* kUncertain = "uncertain";

/// The `expression` param of a face region.
struct ExpressionAnnotation {
  std::string label;      ///< a class name, or kUncertain
  int label_id = -1;      ///< index in the model's classes; -1 for kUncertain
  double confidence = 0;  ///< probability of the label; of the most probable class for kUncertain
  std::vector<std::pair<std::string, double>> distribution;  ///< in the model's order, sums to 1
  double entropy = 0;     ///< bits
  int frames_ago = 0;     ///< 0: inferred on this frame
  std::string model_name;
};

/// Everything known about one face of a buffer, as values: what its region says, and our own meta, which is empty where another element's
/// detector made the region. Boxes and landmarks are in the frame's pixels.
struct FaceAnnotation : FaceData {
  /// What tells the face from the others of its buffer, never 0 and never twice; only read. It is the track, by which the face is known
  /// on other frames too. Less than 0: a face without a track of its own, known by that number on this frame alone.
  int id = 0;
  int region_id = 0;    ///< GstVideoRegionOfInterestMeta::id, which has nothing to do with tracks
  int track_id = 0;     ///< `object_id` param; 0: none
  int upstream_id = 0;  ///< the track that another tracker had given the face before fmpnalign; 0: none; only read
  double first_seen = 0;  ///< running time in seconds; only written (analytics metadata)
  Box box;
  std::optional<ExpressionAnnotation> expression;
};

/// Reads every region of type `face` (also `faces`, `human_face`), ours or another element's, with whatever it has.
std::vector<FaceAnnotation> read_faces(GstBuffer* buffer);

/// Makes the tracks of all face regions of a writable buffer their `upstream_id`: whoever counts tracks anew begins with it, so that two
/// faces never have one number by two counts.
void retire_tracks(GstBuffer* buffer);

/// Gives every face region of a writable buffer an id of its own, other than 0 (facedetect, for one, leaves them all 0).
void number_regions(GstBuffer* buffer);

/// Describes a face on a writable buffer: region with `detection`, `object_id` and `landmarks` params, and our own meta.
/// The region with the id `face.region_id` is completed where there is one already, else made: what it says of its detection stays, its
/// track gives way to ours.
void attach_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoInfo& info);

/// Adds or replaces the `expression` param of the region `region_id`.
void attach_expression(GstBuffer* buffer, int region_id, const ExpressionAnnotation& expression);

/// Stores a motion mask of the centre of a crop of `crop_side` px, made by the engine `maker`, in the face meta of region `region_id`.
void attach_mask(GstBuffer* buffer, int region_id, std::shared_ptr<const MotionMask> mask, int crop_side, int frames_ago,
                 std::weak_ptr<const void> maker);

/// The warp to a crop of side `to`, given that to one of side `from`: the same place of the template, as alignment_warp() has it.
Affine warp_to_side(const Affine& warp, int from, int to);

/// As a GstStructure (transfer full): what the `expression` param and the messages carry.
GstStructure* distribution_structure(const std::vector<std::pair<std::string, double>>& distribution);

}  // namespace fmpn::gst
