#pragma once

#include "gstfmpninference.h"

G_BEGIN_DECLS

#define GST_TYPE_FMPN_CLASSIFY (gst_fmpn_classify_get_type())
G_DECLARE_FINAL_TYPE(GstFmpnClassify, gst_fmpn_classify, GST, FMPN_CLASSIFY, GstFmpnInference)

GST_ELEMENT_REGISTER_DECLARE(fmpnclassify)

G_END_DECLS
