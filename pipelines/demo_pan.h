#pragma once

#include <string>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::demo {

/// A camera's way over a photograph: frames of `width`×`height` cut from it, moving and zooming smoothly.
class PhotographPan {
 public:
  /// Throws what read_image() throws.
  PhotographPan(const std::string& photograph, int width, int height, int frames);
  int frames() const { return frames_; }
  /// Frame 0…frames()-1, RGB.
  Image frame(int index) const;

 private:
  Image photograph_;
  int width_, height_, frames_;
};

}  // namespace fmpn::demo
