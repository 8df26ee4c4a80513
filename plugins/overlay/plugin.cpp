#include "gstfmpnoverlay.h"

static gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(fmpnoverlay, plugin); }

#define PACKAGE "fmpn"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fmpnoverlay, "Draws facial expressions on video", plugin_init,
                  FMPN_VERSION, "MIT/X11", "FMPN", FMPN_PACKAGE_ORIGIN)
