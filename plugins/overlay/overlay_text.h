#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <pango/pangocairo.h>

#include "cairo_pointers.h"
#include "overlay_layout.h"
#include "overlay_palette.h"

namespace fmpn::overlay {

/// One line of text, measured and drawn by pango: any script, invalid UTF-8 made valid, cut with an ellipsis.
/// Has a font map of its own, because pango's default one belongs to a thread and a stream may change its thread.
class TextPainter {
 public:
  /// `font_desc` as pango reads it; with a size in it ("Sans 14") that size is used and not the one asked for.
  explicit TextPainter(const std::string& font_desc);

  /// Text is `pixels` high from now on (em size).
  void set_size(int pixels);
  /// The size in pixels that font_desc fixes, or 0.
  int fixed_size() const { return fixed_size_; }

  /// Width and line height of `text` in pixels, at most `max_width` wide.
  Size measure(const std::string& text, int max_width);
  /// Draws with the line's upper left corner at (x, y).
  void draw(cairo_t* cr, const std::string& text, int x, int y, int max_width, Rgb colour);

 private:
  struct Unref {
    void operator()(void* object) const;
  };
  struct FreeFont {
    void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
  };
  struct Drawn {
    SurfacePtr picture;
    int x = 0;  ///< of the picture, from the line's upper left corner
    int y = 0;
  };
  void set_text(const std::string& text, int max_width);
  Drawn drawn(const std::string& text, int max_width, Rgb colour);

  std::unique_ptr<PangoFontDescription, FreeFont> font_;
  std::unique_ptr<PangoContext, Unref> context_;
  std::unique_ptr<PangoLayout, Unref> layout_;
  int fixed_size_ = 0;
  int size_ = 0;
  // By size and text, and by width and colour too: layout is what costs time, and most texts of a frame were in the one before.
  std::map<std::pair<int, std::string>, Size> measured_;
  std::map<std::tuple<int, std::string, int, std::uint32_t>, Drawn> drawn_;
  std::size_t drawn_bytes_ = 0;
};

}  // namespace fmpn::overlay
