#include "face_region.h"

#include <string_view>

namespace fmpn::gst {
namespace {

GstVideoRegionOfInterestMeta* next_region(GstBuffer* buffer, gpointer* state) {
  return reinterpret_cast<GstVideoRegionOfInterestMeta*>(
      gst_buffer_iterate_meta_filtered(buffer, state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
}

}  // namespace

bool is_face_region(const GstVideoRegionOfInterestMeta* region) {
  const char* name = g_quark_to_string(region->roi_type);
  const std::string_view type = name != nullptr ? name : "";
  return type == "face" || type == "faces" || type == "human_face";
}

Box box_of(const GstVideoRegionOfInterestMeta& region) {
  const auto number = [](guint value) { return static_cast<float>(static_cast<gint>(value)); };
  return {number(region.x), number(region.y), number(region.w), number(region.h)};
}

GstVideoRegionOfInterestMeta* find_face_region(GstBuffer* buffer, int id) {
  gpointer state = nullptr;
  while (GstVideoRegionOfInterestMeta* region = next_region(buffer, &state))
    if (region->id == id && is_face_region(region)) return region;
  return nullptr;
}

std::set<int> region_ids(GstBuffer* buffer) {
  std::set<int> ids;
  gpointer state = nullptr;
  while (const GstVideoRegionOfInterestMeta* region = next_region(buffer, &state)) ids.insert(region->id);
  return ids;
}

}  // namespace fmpn::gst
