#include "gstfmpnclassify.h"
#include "gstfmpnmask.h"

static gboolean plugin_init(GstPlugin* plugin) {
  const gboolean mask = GST_ELEMENT_REGISTER(fmpnmask, plugin);
  const gboolean classify = GST_ELEMENT_REGISTER(fmpnclassify, plugin);
  return mask || classify;
}

#define PACKAGE "fmpn"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fmpninference, "Facial motion masks and expressions", plugin_init,
                  FMPN_VERSION, "MIT/X11", "FMPN", FMPN_PACKAGE_ORIGIN)
