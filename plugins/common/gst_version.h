#pragma once

#include <gst/gst.h>

// What depends on GStreamer's version. meson.build asks for the analytics library by the same rule.
#define FMPN_HAVE_ANALYTICS GST_CHECK_VERSION(1, 24, 0)
#define FMPN_HAVE_ANALYTICS_SEGMENTATION GST_CHECK_VERSION(1, 26, 0)
