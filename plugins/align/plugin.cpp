#include "gstfmpnalign.h"

static gboolean plugin_init(GstPlugin* plugin) { return GST_ELEMENT_REGISTER(fmpnalign, plugin); }

#define PACKAGE "fmpn"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fmpnalign, "Finds and aligns faces", plugin_init, FMPN_VERSION,
                  "MIT/X11", "FMPN", FMPN_PACKAGE_ORIGIN)
