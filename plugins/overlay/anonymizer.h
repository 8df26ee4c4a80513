#pragma once

#include <gst/video/video.h>

#include <fmpn/geometry.h>

namespace fmpn::overlay {

enum class Anonymize {
  kNone,
  kBlur,      ///< strong blur; pleasant to look at, weaker than the others against somebody determined
  kPixelate,  ///< blocks of an eighth of the face
  kBox,       ///< black: nothing of the face remains
};

constexpr Anonymize kDefaultAnonymize = Anonymize::kNone;

/// Whether hide_face() can write this format: all but palettes and what cannot be mapped.
bool can_hide_faces(const GstVideoFormatInfo* format);

/// Hides what lies in `box` (frame pixels, grown by 15 % on every side, clipped to the frame) in a frame that is mapped
/// for writing, component by component; alpha stays. Only pixels of the region itself go into what replaces it. Throws
/// kBadFormat for a format that can_hide_faces() refuses.
void hide_face(GstVideoFrame* frame, const Box& box, Anonymize how);

}  // namespace fmpn::overlay
