#include "analytics.h"

#include "gst_version.h"
#include "square_in_frame.h"

#if FMPN_HAVE_ANALYTICS

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

#include <gst/analytics/analytics.h>

namespace fmpn::gst {
namespace {

GQuark face_quark() { return g_quark_from_static_string("face"); }

guint id_of(const GstAnalyticsMtd& one) { return one.id; }

/// Whether the detection lies where the region does. Where both were scaled, each was rounded by itself.
bool lies_at(GstAnalyticsMtd detection, const GstVideoRegionOfInterestMeta& region) {
  gint x = 0, y = 0, w = 0, h = 0;
  gfloat confidence = 0;
  if (!gst_analytics_od_mtd_get_location(&detection, &x, &y, &w, &h, &confidence)) return false;
  const auto near = [](gint a, guint b) { return std::abs(static_cast<gint64>(a) - static_cast<gint>(b)) <= 1; };
  return near(x, region.x) && near(y, region.y) && near(w, region.w) && near(h, region.h);
}

/// The region's detection. People and cars have places, and tracks, too.
std::optional<GstAnalyticsMtd> find_detection(GstAnalyticsRelationMeta* meta, const GstVideoRegionOfInterestMeta& region) {
  gpointer state = nullptr;
  GstAnalyticsMtd detection;
  while (gst_analytics_relation_meta_iterate(meta, &state, gst_analytics_od_mtd_get_mtd_type(), &detection))
    if (gst_analytics_od_mtd_get_obj_type(&detection) == face_quark() && lies_at(detection, region)) return detection;
  return std::nullopt;
}

/// What of this type the detection has this relation to.
std::vector<GstAnalyticsMtd> related(GstAnalyticsRelationMeta* meta, const GstAnalyticsMtd& detection, GstAnalyticsRelTypes relation,
                                     GstAnalyticsMtdType type) {
  std::vector<GstAnalyticsMtd> all;
  gpointer state = nullptr;
  GstAnalyticsMtd one;
  while (gst_analytics_relation_meta_get_direct_related(meta, id_of(detection), relation, type, &state, &one)) all.push_back(one);
  return all;
}

/// The relations are all that can be changed of what a meta holds.
void part(GstAnalyticsRelationMeta* meta, const GstAnalyticsMtd& detection, const GstAnalyticsMtd& other) {
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_NONE, id_of(detection), id_of(other));
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_NONE, id_of(other), id_of(detection));
}

/// Parts the detection from an expression of ours: a distribution that ends with `face`, and the label, which is one of its classes or
/// kUncertain. What others have found out about the face stays.
void part_from_expression(GstAnalyticsRelationMeta* meta, const GstAnalyticsMtd& detection) {
  const auto type = gst_analytics_cls_mtd_get_mtd_type();
  std::set<GQuark> labels{g_quark_from_static_string(kUncertain)};
  bool any = false;
  for (GstAnalyticsMtd whole : related(meta, detection, GST_ANALYTICS_REL_TYPE_RELATE_TO, type)) {
    const gsize n = gst_analytics_cls_mtd_get_length(&whole);
    if (n < 2 || gst_analytics_cls_mtd_get_quark(&whole, n - 1) != face_quark()) continue;
    for (gsize i = 0; i + 1 < n; ++i) labels.insert(gst_analytics_cls_mtd_get_quark(&whole, i));
    part(meta, detection, whole);
    any = true;
  }
  if (!any) return;
  for (GstAnalyticsMtd top : related(meta, detection, GST_ANALYTICS_REL_TYPE_CONTAIN, type))
    if (gst_analytics_cls_mtd_get_length(&top) == 1 && labels.count(gst_analytics_cls_mtd_get_quark(&top, 0)) != 0)
      part(meta, detection, top);
}

}  // namespace

void attach_analytics_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoRegionOfInterestMeta& region) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr) meta = gst_buffer_add_analytics_relation_meta(buffer);
  std::optional<GstAnalyticsMtd> detection = find_detection(meta, region);
  if (!detection) {
    const auto confidence = static_cast<gfloat>(std::clamp(face.score, 0.0, 1.0));
    gst_analytics_relation_meta_add_od_mtd(meta, face_quark(), static_cast<gint>(region.x), static_cast<gint>(region.y),
                                           static_cast<gint>(region.w), static_cast<gint>(region.h), confidence, &detection.emplace());
  }
  // As in the region, another's track gives way.
  for (GstAnalyticsMtd old : related(meta, *detection, GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type()))
    part(meta, *detection, old);
  GstAnalyticsMtd tracking;
  const auto first_seen = static_cast<GstClockTime>(std::max(0.0, face.first_seen) * GST_SECOND);
  gst_analytics_relation_meta_add_tracking_mtd(meta, static_cast<guint64>(face.track_id), first_seen, &tracking);
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, id_of(*detection), id_of(tracking));
}

void attach_analytics_expression(GstBuffer* buffer, const GstVideoRegionOfInterestMeta& region, const ExpressionAnnotation& expression) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr) return;
  const auto detection = find_detection(meta, region);
  if (!detection) return;
  part_from_expression(meta, *detection);
  GstAnalyticsMtd top, whole;
  gst_analytics_relation_meta_add_one_cls_mtd(meta, static_cast<gfloat>(expression.confidence),
                                              g_quark_from_string(expression.label.c_str()), &top);
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_CONTAIN, id_of(*detection), id_of(top));
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_IS_PART_OF, id_of(top), id_of(*detection));

  auto sorted = expression.distribution;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<gfloat> levels;
  std::vector<GQuark> classes;
  for (const auto& [name, p] : sorted) {
    levels.push_back(static_cast<gfloat>(p));
    classes.push_back(g_quark_from_string(name.c_str()));
  }
  levels.push_back(0);
  classes.push_back(face_quark());
  gst_analytics_relation_meta_add_cls_mtd(meta, levels.size(), levels.data(), classes.data(), &whole);
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, id_of(*detection), id_of(whole));
}

#if FMPN_HAVE_ANALYTICS_SEGMENTATION

namespace {

constexpr guint kLevels = 8;
constexpr int kLongestSide = 128;  // of the segmentation's picture; it is stretched over the face

/// Parts the detection from a mask of ours. Others' segmentations have other regions.
void part_from_mask(GstAnalyticsRelationMeta* meta, const GstAnalyticsMtd& detection) {
  for (GstAnalyticsMtd old :
       related(meta, detection, GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_segmentation_mtd_get_mtd_type()))
    if (gst_analytics_segmentation_mtd_get_region_count(&old) == kLevels) part(meta, detection, old);
}

}  // namespace

void attach_analytics_mask(GstBuffer* buffer, const GstVideoRegionOfInterestMeta& region, const MotionMask& mask, const Affine& warp,
                           int crop_side) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr || mask.empty() || std::abs(warp[0] * warp[4] - warp[1] * warp[3]) < 1e-9) return;
  const auto detection = find_detection(meta, region);
  if (!detection) return;
  part_from_mask(meta, *detection);
  const Affine m = mask_warp(warp, crop_side, mask.side);
  const Extent place = square_in_frame(m, -0.5, mask.side - 0.5);
  const int x0 = static_cast<int>(std::floor(place.left)), y0 = static_cast<int>(std::floor(place.top));
  const int w = std::max(1, static_cast<int>(std::ceil(place.right)) - x0), h = std::max(1, static_cast<int>(std::ceil(place.bottom)) - y0);
  const double step = std::max(1.0, std::max(w, h) / static_cast<double>(kLongestSide));
  const int width = std::max(1, static_cast<int>(w / step)), height = std::max(1, static_cast<int>(h / step));

  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_GRAY8, static_cast<guint>(width), static_cast<guint>(height));
  GstBuffer* picture = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_add_video_meta_full(picture, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, static_cast<guint>(width),
                                 static_cast<guint>(height), 1, info.offset, info.stride);
  GstMapInfo map;
  gst_buffer_map(picture, &map, GST_MAP_WRITE);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double fx = x0 + (x + 0.5) * w / width - 0.5, fy = y0 + (y + 0.5) * h / height - 0.5;
      const auto u = static_cast<int>(std::lround(m[0] * fx + m[1] * fy + m[2])),
                 v = static_cast<int>(std::lround(m[3] * fx + m[4] * fy + m[5]));
      const bool inside = u >= 0 && v >= 0 && u < mask.side && v < mask.side;
      const float value =
          inside ? mask.values[static_cast<std::size_t>(v) * static_cast<std::size_t>(mask.side) + static_cast<std::size_t>(u)] : 0;
      map.data[y * GST_VIDEO_INFO_PLANE_STRIDE(&info, 0) + x] = static_cast<guint8>(std::clamp(value, 0.0F, 0.999F) * kLevels);
    }
  }
  gst_buffer_unmap(picture, &map);
  guint regions[kLevels];
  for (guint i = 0; i < kLevels; ++i) regions[i] = i;
  GstAnalyticsMtd segmentation;
  if (gst_analytics_relation_meta_add_segmentation_mtd(meta, picture, GST_SEGMENTATION_TYPE_SEMANTIC, kLevels, regions, x0, y0,
                                                       static_cast<guint>(w), static_cast<guint>(h), &segmentation))
    gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, id_of(*detection), id_of(segmentation));
}

#else

void attach_analytics_mask(GstBuffer*, const GstVideoRegionOfInterestMeta&, const MotionMask&, const Affine&, int) {}

#endif

}  // namespace fmpn::gst

#else

namespace fmpn::gst {

void attach_analytics_face(GstBuffer*, const FaceAnnotation&, const GstVideoRegionOfInterestMeta&) {}
void attach_analytics_expression(GstBuffer*, const GstVideoRegionOfInterestMeta&, const ExpressionAnnotation&) {}
void attach_analytics_mask(GstBuffer*, const GstVideoRegionOfInterestMeta&, const MotionMask&, const Affine&, int) {}

}  // namespace fmpn::gst

#endif
