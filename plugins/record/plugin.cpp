#include "gstfmpnrecord.h"

static gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(fmpnrecord, plugin); }

#define PACKAGE "fmpn"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fmpnrecord, "Writes faces and expressions to a file", plugin_init, FMPN_VERSION,
                  "MIT/X11", "FMPN", FMPN_PACKAGE_ORIGIN)
