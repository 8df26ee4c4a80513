#include "analytics.h"

#include "gst_version.h"

#if FMPN_HAVE_ANALYTICS

#include <algorithm>
#include <cmath>
#include <optional>

#include <gst/analytics/analytics.h>

namespace fmpn::gst {
namespace {

GQuark face_quark() { return g_quark_from_static_string("face"); }

guint id_of(const GstAnalyticsMtd& one) { return one.id; }

/// The detection of the face that is tracked under this id.
std::optional<GstAnalyticsMtd> find_detection(GstAnalyticsRelationMeta* meta, int track_id) {
  gpointer state = nullptr;
  GstAnalyticsMtd detection;
  while (gst_analytics_relation_meta_iterate(meta, &state, gst_analytics_od_mtd_get_mtd_type(), &detection)) {
    gpointer related = nullptr;
    GstAnalyticsMtd tracking;
    while (gst_analytics_relation_meta_get_direct_related(meta, id_of(detection), GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                          gst_analytics_tracking_mtd_get_mtd_type(), &related, &tracking)) {
      guint64 id = 0;
      GstClockTime first = 0, last = 0;
      gboolean lost = FALSE;
      if (gst_analytics_tracking_mtd_get_info(&tracking, &id, &first, &last, &lost) && id == static_cast<guint64>(track_id))
        return detection;
    }
  }
  return std::nullopt;
}

}  // namespace

void attach_analytics_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoRegionOfInterestMeta* region) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr) meta = gst_buffer_add_analytics_relation_meta(buffer);
  if (find_detection(meta, face.track_id)) return;
  const auto confidence = static_cast<gfloat>(std::clamp(face.score, 0.0, 1.0));
  GstAnalyticsMtd detection, tracking;
  gst_analytics_relation_meta_add_od_mtd(meta, face_quark(), static_cast<gint>(region->x), static_cast<gint>(region->y),
                                         static_cast<gint>(region->w), static_cast<gint>(region->h), confidence, &detection);
  const auto first_seen = static_cast<GstClockTime>(std::max(0.0, face.first_seen) * GST_SECOND);
  gst_analytics_relation_meta_add_tracking_mtd(meta, static_cast<guint64>(face.track_id), first_seen, &tracking);
  gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, id_of(detection), id_of(tracking));
}

void attach_analytics_expression(GstBuffer* buffer, int track_id, const ExpressionAnnotation& expression) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr) return;
  const auto detection = find_detection(meta, track_id);
  if (!detection) return;
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

struct Place {
  double left, top, right, bottom;
};

/// The upright rectangle around the mask's square in the frame.
Place place_of(const Affine& to_mask, int side) {
  const Affine& m = to_mask;
  const double det = m[0] * m[4] - m[1] * m[3];
  Place place{1e9, 1e9, -1e9, -1e9};
  for (const double v : {-0.5, side - 0.5}) {
    for (const double u : {-0.5, side - 0.5}) {
      const double x = (m[4] * (u - m[2]) - m[1] * (v - m[5])) / det, y = (m[0] * (v - m[5]) - m[3] * (u - m[2])) / det;
      place = {std::min(place.left, x), std::min(place.top, y), std::max(place.right, x), std::max(place.bottom, y)};
    }
  }
  return place;
}

}  // namespace

void attach_analytics_mask(GstBuffer* buffer, int track_id, const MotionMask& mask, const Affine& warp, int crop_side) {
  GstAnalyticsRelationMeta* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr || mask.empty() || std::abs(warp[0] * warp[4] - warp[1] * warp[3]) < 1e-9) return;
  const auto detection = find_detection(meta, track_id);
  if (!detection) return;
  const Affine m = mask_warp(warp, crop_side, mask.side);
  const Place place = place_of(m, mask.side);
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

void attach_analytics_mask(GstBuffer*, int, const MotionMask&, const Affine&, int) {}

#endif

}  // namespace fmpn::gst

#else

namespace fmpn::gst {

void attach_analytics_face(GstBuffer*, const FaceAnnotation&, const GstVideoRegionOfInterestMeta*) {}
void attach_analytics_expression(GstBuffer*, int, const ExpressionAnnotation&) {}
void attach_analytics_mask(GstBuffer*, int, const MotionMask&, const Affine&, int) {}

}  // namespace fmpn::gst

#endif
