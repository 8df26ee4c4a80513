#pragma once

#include <memory>

#include <gst/video/video.h>

#include <fmpn/geometry.h>
#include <fmpn/aligner.h>

namespace fmpn::gst {

/// Frames of a camera that was held sideways (image-orientation tag), seen upright, and the way back: dlib finds upright
/// faces only. The frames themselves stay as they are.
class Upright {
 public:
  Upright();
  ~Upright();

  /// Frames of this size have to be turned like this to stand upright.
  void set(GstVideoOrientationMethod method, int width, int height);

  /// The frame as it should be seen; `frame` itself where nothing is to be turned. Valid until the next call.
  ImageView turned(const ImageView& frame);
  /// A box of the frame in the turned picture.
  Box turned(const Box& box) const;
  /// A face of the turned picture in the frame: box, landmarks and warp; the crop stays upright.
  void turn_back(AlignedFace& face) const;

 private:
  Point to_frame(double u, double v, double edge) const;

  GstVideoOrientationMethod method_ = GST_VIDEO_ORIENTATION_IDENTITY;
  int width_ = 0;   ///< of the frame
  int height_ = 0;
  struct Picture;
  std::unique_ptr<Picture> picture_;
};

}  // namespace fmpn::gst
