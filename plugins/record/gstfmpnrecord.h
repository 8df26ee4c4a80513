#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_FMPN_RECORD (gst_fmpn_record_get_type())
G_DECLARE_FINAL_TYPE(GstFmpnRecord, gst_fmpn_record, GST, FMPN_RECORD, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(fmpnrecord)

G_END_DECLS
