#pragma once

#include <set>

#include <gst/video/video.h>

#include <fmpn/geometry.h>

namespace fmpn::gst {

/// True for a region of type `face` (also `faces`, `human_face`), ours or another element's.
bool is_face_region(const GstVideoRegionOfInterestMeta* region);

/// Where a region lies. Its numbers are unsigned, but a face may reach beyond the frame's left or upper border.
Box box_of(const GstVideoRegionOfInterestMeta& region);

/// The face region with this id; null where there is none. Another detector's person or car may have the same id.
GstVideoRegionOfInterestMeta* find_face_region(GstBuffer* buffer, int id);

/// The ids of all regions, whatever is in them.
std::set<int> region_ids(GstBuffer* buffer);

}  // namespace fmpn::gst
