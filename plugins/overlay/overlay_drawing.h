#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmpn/geometry.h>
#include <fmpn/motion_mask.h>

#include "overlay_layout.h"
#include "overlay_palette.h"
#include "overlay_text.h"

namespace fmpn::overlay {

/// One row of the bars.
struct Bar {
  std::string name;
  int length = 0;  ///< filled pixels of bar_width
  Rgb colour;
  bool top = false;  ///< the most probable class
};

/// Everything that decides a picture's pixels, in the picture's own coordinates. Two equal plans give equal pixels.
struct DrawingPlan {
  Size size;

  double line_width = 0;  ///< 0: no box
  Rect box;               ///< may reach beyond the picture where the frame cuts the face
  Rgb colour;             ///< of box and label

  std::string label;
  Rect label_plate;  ///< empty: no label
  int label_size = 0;

  std::vector<Bar> bars;
  Rect bars_plate;  ///< empty: no bars
  int bars_size = 0;
  int name_width = 0;
  int bar_width = 0;
  int row_height = 0;

  std::vector<Point> points;
  double point_radius = 0;

  std::shared_ptr<const MotionMask> mask;  ///< null: none
  Affine to_mask{};                        ///< pixel of the picture → pixel of the mask
};

bool operator==(const DrawingPlan& a, const DrawingPlan& b);

/// Space around a plate's text, in pixels, for text of that size.
int plate_padding(int text_size);

/// Premultiplied ARGB32 in native byte order, size.width × size.height, rows without padding.
std::vector<std::uint8_t> draw(const DrawingPlan& plan, TextPainter& text, const std::array<std::uint32_t, 256>& heat);

}  // namespace fmpn::overlay
