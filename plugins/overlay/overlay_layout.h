#pragma once

#include <vector>

namespace fmpn::overlay {

/// An upright rectangle on whole pixels; empty where a side is not positive.
struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  int right() const { return x + width; }
  int bottom() const { return y + height; }
  bool empty() const { return width <= 0 || height <= 0; }
};

inline bool operator==(const Rect& a, const Rect& b) {
  return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

Rect intersection(const Rect& a, const Rect& b);
/// The smallest rectangle around both; an empty one counts for nothing.
Rect united(const Rect& a, const Rect& b);

struct Size {
  int width = 0;
  int height = 0;
};

/// What has to find its place around a face.
struct LayoutRequest {
  Size frame;
  Rect face;
  Size label;               ///< empty: none
  Size panel;               ///< the bars; empty: none
  int gap = 2;              ///< pixels between the box and what stands beside it
  std::vector<Rect> avoid;  ///< other faces and their plates: the bars rather not cover them
  int previous_spot = -1;   ///< Layout::spot of the frame before, so that the bars do not jump to and fro
};

/// Where label and bars go. Both lie inside the frame where they fit into it at all.
struct Layout {
  Rect label;
  Rect panel;
  int spot = -1;  ///< which of the places was taken
};

/// The label stands above the box, else below it, else inside its upper edge. The bars stand right of the box, else
/// left, below or above, else over the face's least important corner; covering another face costs more than a worse
/// place.
Layout place(const LayoutRequest& request);

}  // namespace fmpn::overlay
