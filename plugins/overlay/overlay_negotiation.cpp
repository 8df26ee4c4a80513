#include "overlay_negotiation.h"

#include <gst/video/video-overlay-composition.h>
#include <gst/video/video.h>

#include "anonymizer.h"
#include "common/metadata_element.h"

namespace fmpn::overlay {
namespace {

constexpr const char* kFeature = GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION;

// A copy of caps in which every structure has the feature, or none has.
GstCaps* with_feature(GstCaps* caps, bool wanted) {
  GstCaps* result = gst_caps_copy(caps);
  for (guint i = 0; i < gst_caps_get_size(result); ++i) {
    GstCapsFeatures* features = gst_caps_get_features(result, i);
    if (gst_caps_features_is_any(features)) continue;
    const bool has = gst_caps_features_contains(features, kFeature);
    if (wanted && !has) gst_caps_features_add(features, kFeature);
    if (!wanted && has) gst_caps_features_remove(features, kFeature);
  }
  return result;
}

GstCaps* hideable_caps() {
  static GstCaps* const kCaps = [] {
    GValue formats = G_VALUE_INIT;
    g_value_init(&formats, GST_TYPE_LIST);
    guint count = 0;
    const GstVideoFormat* all = gst_video_formats_raw(&count);
    for (guint i = 0; i < count; ++i) {
      const GstVideoFormatInfo* info = gst_video_format_get_info(all[i]);
      if (!can_hide_faces(info)) continue;
      GValue name = G_VALUE_INIT;
      g_value_init(&name, G_TYPE_STRING);
      g_value_set_string(&name, GST_VIDEO_FORMAT_INFO_NAME(info));
      gst_value_list_append_and_take_value(&formats, &name);
    }
    GstCaps* caps = fmpn::gst::raw_video_caps();
    gst_caps_set_value(caps, "format", &formats);
    g_value_unset(&formats);
    GST_MINI_OBJECT_FLAG_SET(caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
    return caps;
  }();
  return kCaps;
}

GstCaps* intersected(GstCaps* taken, GstCaps* with, bool order_of_second) {
  GstCaps* result = order_of_second ? gst_caps_intersect_full(with, taken, GST_CAPS_INTERSECT_FIRST)
                                    : gst_caps_intersect_full(taken, with, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(taken);
  return result;
}

}  // namespace

bool has_overlay_feature(GstCaps* caps) {
  return caps != nullptr && gst_caps_get_size(caps) > 0 &&
         gst_caps_features_contains(gst_caps_get_features(caps, 0), kFeature);
}

GstCaps* transformed_caps(GstPadDirection direction, GstCaps* caps, GstCaps* filter, bool must_hide) {
  GstCaps* result = gst_caps_is_any(caps)       ? gst_caps_ref(caps)
                    : direction == GST_PAD_SINK ? gst_caps_merge(with_feature(caps, true), gst_caps_copy(caps))
                                                : gst_caps_merge(gst_caps_copy(caps), with_feature(caps, false));
  if (must_hide) result = intersected(result, hideable_caps(), false);
  if (filter != nullptr) result = intersected(result, filter, true);
  return result;
}

GstCaps* chosen_caps(GstCaps* candidates, bool want_feature) {
  guint choice = 0;
  for (guint i = 0; i < gst_caps_get_size(candidates); ++i) {
    const bool has = gst_caps_features_contains(gst_caps_get_features(candidates, i), kFeature);
    if (has == want_feature) {
      choice = i;
      break;
    }
  }
  GstCaps* chosen = gst_caps_copy_nth(candidates, choice);
  gst_caps_unref(candidates);
  return gst_caps_fixate(chosen);
}

bool downstream_draws(GstPad* src_pad, GstCaps* caps) {
  GstQuery* query = gst_query_new_allocation(caps, FALSE);
  const bool draws = gst_pad_peer_query(src_pad, query) &&
                     gst_query_find_allocation_meta(query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr);
  gst_query_unref(query);
  return draws;
}

}  // namespace fmpn::overlay
