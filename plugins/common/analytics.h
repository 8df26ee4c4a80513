#pragma once

#include <gst/video/video.h>

#include "face_annotation.h"

/// The same results as GStreamer's own analytics metadata, next to the regions of interest. GStreamer before 1.24 does not have it:
/// nothing is done there.
///
/// A face is an object detection of type `face` that RELATEs_TO its tracking (id = track_id). It CONTAINs a one-class
/// classification with the shown label, IS_PART_OF it, and RELATEs_TO the whole distribution: sorted from the most
/// probable class down, with `face` at level 0 at the end. One drawing element takes the first class, another looks
/// `face` up: this order keeps both right. From 1.26 on the mask is a semantic segmentation, whose regions 0…7 are
/// eighths of the mask's value.
namespace fmpn::gst {

/// Adds the detection and its tracking, unless the face has them. The face must have a track_id.
void attach_analytics_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoRegionOfInterestMeta* region);

/// Adds the classifications of the face with this track.
void attach_analytics_expression(GstBuffer* buffer, int track_id, const ExpressionAnnotation& expression);

/// Adds the mask of a face that has a crop, turned and scaled as the face lies in the frame.
void attach_analytics_mask(GstBuffer* buffer, int track_id, const MotionMask& mask, const Affine& warp, int crop_side);

}  // namespace fmpn::gst
