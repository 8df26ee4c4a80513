#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::train {

struct Colour {
  double red = 0, green = 0, blue = 0;  ///< 0…1
};

/// Colours of reports: dark ink on white, and eight hues that the colour-blind tell apart (Okabe and Ito).
constexpr Colour kInk{0.13, 0.15, 0.19}, kFaint{0.45, 0.48, 0.54}, kGrid{0.90, 0.91, 0.93}, kWhite{1, 1, 1};
Colour series_colour(std::size_t index);
/// Between white (0) and deep blue (1).
Colour shade(double value);

enum class Anchor { kLeft, kCentre, kRight };

/// A picture to draw on, in points; it holds `kScale` pixels a point, so that text stays sharp on dense screens.
class Canvas {
 public:
  static constexpr int kScale = 2;
  Canvas(int width, int height);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  int width() const { return width_; }
  int height() const { return height_; }
  void fill(double x, double y, double w, double h, Colour colour);
  void line(double x0, double y0, double x1, double y1, Colour colour, double thickness = 1);
  void polyline(const std::vector<std::pair<double, double>>& points, Colour colour, double thickness = 2);
  void disc(double x, double y, double radius, Colour colour);
  /// `y` is the text's middle.
  void text(double x, double y, const std::string& text, double size, Colour colour, Anchor anchor = Anchor::kLeft, bool bold = false);
  /// The text, shortened with an ellipsis in its middle where it is wider than `room`.
  std::string fitted(const std::string& text, double size, double room) const;
  double text_width(const std::string& text, double size, bool bold = false) const;
  /// Scaled into the box (nearest pixel where it is enlarged a lot, so that small crops are seen as they are).
  void picture(double x, double y, double w, double h, const ImageView& image);
  Image image() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  int width_, height_;
};

}  // namespace fmpn::train
