#include "metadata_element.h"

namespace fmpn::gst {
namespace {

GstFlowReturn share_memory(GstBaseTransform*, GstBuffer* input, GstBuffer** output) {
  *output = gst_buffer_is_writable(input) ? input : gst_buffer_copy(input);
  return *output == nullptr ? GST_FLOW_ERROR : GST_FLOW_OK;
}

/// What downstream offers is offered upstream too, but for one thing: with GstVideoCropMeta the frame would lie somewhere in the buffer's
/// picture, and we look at the picture.
gboolean ask_downstream(GstBaseTransform* transform, GstQuery*, GstQuery* query) {
  if (!gst_pad_peer_query(GST_BASE_TRANSFORM_SRC_PAD(transform), query)) return FALSE;
  guint index = 0;
  while (gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index))
    gst_query_remove_nth_allocation_meta(query, index);
  return TRUE;
}

}  // namespace

GstCaps* raw_video_caps() {
  GstCaps* caps = gst_caps_from_string(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL));
  GstCaps* with_overlay = gst_caps_copy(caps);
  gst_caps_set_features_simple(with_overlay, gst_caps_features_new(GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY,
                                                                   GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION, nullptr));
  gst_caps_append(caps, with_overlay);
  return caps;
}

void make_metadata_element(GstBaseTransformClass* klass) {
  GstCaps* caps = raw_video_caps();
  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_pad_template(element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template(element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref(caps);
  klass->passthrough_on_same_caps = FALSE;
  klass->prepare_output_buffer = share_memory;
  klass->propose_allocation = ask_downstream;
}

void note_if_late(GObject* element, const GParamSpec* spec) {
  if ((spec->flags & GST_PARAM_MUTABLE_PLAYING) == 0 && GST_STATE(element) > GST_STATE_READY)
    GST_WARNING_OBJECT(element, "%s is kept, and counts from the next start on", spec->name);
}

}  // namespace fmpn::gst
