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

///
/// A region's detection is that of type `face` which lies where the region does. What was attached before is not related to the
/// detection any more; it stays in the meta, from which nothing can be taken.

/// Adds the detection of this region, unless there is one, and makes the face's track its tracking. The face must have a track_id.
void attach_analytics_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoRegionOfInterestMeta& region);

/// Adds or replaces the classifications of this region's face.
void attach_analytics_expression(GstBuffer* buffer, const GstVideoRegionOfInterestMeta& region, const ExpressionAnnotation& expression);

/// Adds or replaces the mask of a face that has a crop, turned and scaled as the face lies in the frame.
void attach_analytics_mask(GstBuffer* buffer, const GstVideoRegionOfInterestMeta& region, const MotionMask& mask, const Affine& warp,
                           int crop_side);

}  // namespace fmpn::gst
