#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_FMPN_OVERLAY (gst_fmpn_overlay_get_type())
G_DECLARE_FINAL_TYPE(GstFmpnOverlay, gst_fmpn_overlay, GST, FMPN_OVERLAY, GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE(fmpnoverlay)

G_END_DECLS
