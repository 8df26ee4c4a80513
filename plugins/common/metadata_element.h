#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

/// For elements that add metadata and leave the pixels alone.
namespace fmpn::gst {

/// Raw video in system memory, any format; an overlay composition may ride along.
GstCaps* raw_video_caps();

/// Adds both pad templates, and the vfuncs by which a buffer passes without a copy of its memory: a shared buffer gets a
/// new header, and upstream negotiates its allocation with what is downstream of us.
void make_metadata_element(GstBaseTransformClass* klass);

/// For set_property: a setting that counts from the next start on is warned of in the log where the element is under way. Takes no lock.
void note_if_late(GObject* element, const GParamSpec* spec);

}  // namespace fmpn::gst
