#pragma once

#include <string>

#include <gst/gst.h>

namespace fmpn::annotate {

/// Hands a picture file to an appsrc as one RGB frame at time 0, upright (see read_image), then ends its stream. The appsrc has to have
/// been started. Throws what read_image throws.
void feed_picture(GstElement* appsrc, const std::string& path);

}  // namespace fmpn::annotate
