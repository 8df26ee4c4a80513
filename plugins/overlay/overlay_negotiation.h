#pragma once

#include <gst/base/gstbasetransform.h>

/// What the element's caps may become. An overlay composition may only travel on buffers whose caps say so (the feature
/// meta:GstVideoOverlayComposition): elements in between then know that they must not scale or crop the picture under
/// it.
namespace fmpn::overlay {

bool has_overlay_feature(GstCaps* caps);

/// Downstream of us: the same video, with the feature or as it is. Upstream of us: the feature only where downstream
/// takes it. With `must_hide`, only formats in which faces can be hidden. (transfer full)
GstCaps* transformed_caps(GstPadDirection direction, GstCaps* caps, GstCaps* filter, bool must_hide);

/// Of what is possible downstream, the structure with the feature if it is wanted, else one without it.
/// (transfer full, and takes `candidates`)
GstCaps* chosen_caps(GstCaps* candidates, bool want_feature);

/// Asks what is linked to `src_pad` whether it will draw overlay compositions: its caps accepting the feature is not
/// enough, a fakesink or an appsink takes any caps.
bool downstream_draws(GstPad* src_pad, GstCaps* caps);

}  // namespace fmpn::overlay
