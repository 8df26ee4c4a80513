#pragma once

#include "gstfmpninference.h"

G_BEGIN_DECLS

#define GST_TYPE_FMPN_MASK (gst_fmpn_mask_get_type())
G_DECLARE_FINAL_TYPE(GstFmpnMask, gst_fmpn_mask, GST, FMPN_MASK, GstFmpnInference)

GST_ELEMENT_REGISTER_DECLARE(fmpnmask)

G_END_DECLS
