#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_FMPN_ALIGN (gst_fmpn_align_get_type())
G_DECLARE_FINAL_TYPE(GstFmpnAlign, gst_fmpn_align, GST, FMPN_ALIGN, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(fmpnalign)

G_END_DECLS
