#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmpn/export.h>
#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

namespace fmpn {

struct AlignerOptions {
  std::string landmark_model;     ///< dlib shape predictor of 68 or 5 points (see AlignedFace::quality); empty: default_landmark_model()
  int crop_size = 44;             ///< side of the aligned crop in pixels, 8…1024; 44 is what the bundled model takes
  int min_face_size = 80;         ///< smaller faces are not looked for, in pixels, ≥ 16; small values cost time
  int max_faces = 16;             ///< the largest ones are kept, ≥ 1
  double detector_threshold = 0;  ///< score that a detection needs; dlib's scale, about −1…3
};

/// One face, found and warped. Coordinates are the frame's pixels.
struct AlignedFace {
  Box box;              ///< clipped to the frame
  double score = 0;     ///< dlib's detection score: ≥ detector_threshold; of a followed face ≥ 0.2 less, in a small still ≥ −0.6
  Landmarks landmarks;  ///< may lie outside the frame where the border cuts the face
  Affine warp{};        ///< frame → crop
  /// 0…1: size, sharpness, pose and landmark residual; 1 is a sharp frontal face. With a landmark model of 5 points, which has four
  /// corners of eyes and the base of the nose, size and sharpness alone: the other landmarks are where they would be on a frontal face.
  float quality = 0;
  Image crop;           ///< crop_size × crop_size RGB; edge pixels are repeated outside the frame
};

/// Environment variable FMPN_LANDMARK_MODEL, else the file that Debian ships with dlib.
FMPN_API std::string default_landmark_model();

/// The similarity (rotation, one scale, shift; least squares) that takes the landmarks to
/// kStandardTemplate in a crop of `crop_size` pixels, 8…1024. Throws kBadSetting for another size, and where all landmarks fall on one
/// point.
FMPN_API Affine alignment_warp(const Landmarks& landmarks, int crop_size);

/// The one way from a frame to a crop, used by training and by the elements alike: area-averaged before
/// the bilinear warp where the crop is much smaller than the face, so that large sharp faces do not alias. The crop is RGB, also of a
/// gray frame; edge pixels are repeated outside the frame. Throws kBadSetting for a crop_size outside 8…1024, a warp of numbers that are
/// not finite, and a frame without pixels.
FMPN_API Image warp_face(const ImageView& frame, const Affine& warp, int crop_size);

/// The fallback for a picture in which no face is found: the whole picture, squeezed to a crop_size × crop_size RGB crop. Throws
/// kBadSetting as warp_face() does.
FMPN_API Image whole_picture_crop(const ImageView& picture, int crop_size);

/// Finds faces, their five landmarks, and warps them to the standard template (reference: "spatial transform
/// onto standard reference landmarks"). One instance per thread; the landmark model is loaded once per process. All that takes a picture
/// throws kBadSetting for one without pixels.
class FMPN_API Aligner {
 public:
  /// Throws kNotFound or kBadFormat for the landmark model, kBadSetting for an option out of range.
  explicit Aligner(const AlignerOptions& options);
  ~Aligner();
  Aligner(Aligner&&) noexcept;
  Aligner& operator=(Aligner&&) noexcept;

  const AlignerOptions& options() const;

  /// Every face of the frame, largest first.
  std::vector<AlignedFace> find(const ImageView& frame);

  /// As find(), but for pictures that may be a tight crop of one small face (FER2013's 48×48). Where find() sees none, a picture of at
  /// most 600 px a side is padded, enlarged to at least 200 px and searched for faces of 80 px of that, whatever `min_face_size`; at last
  /// with a score of −0.6, or `detector_threshold` where that is lower. The best of those faces is taken.
  std::vector<AlignedFace> find_in_still(const ImageView& picture);

  /// Aligns the face that somebody else found in `box` (an upstream detector). The landmarks hang on the box: it should frame the face as
  /// dlib's does, from the eyebrows to the chin, and may reach beyond the frame. Throws kBadSetting for a box of less than a pixel a side,
  /// for one that lies, or is, a million pixels or more away, and for one so small (a pixel or two) that all landmarks fall on one point.
  AlignedFace align(const ImageView& frame, const Box& box, double score);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn
