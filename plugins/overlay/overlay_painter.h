#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/geometry.h>
#include <fmpn/motion_mask.h>

#include "overlay_layout.h"
#include "overlay_palette.h"

namespace fmpn::overlay {

constexpr const char* kDefaultFontDesc = "Sans Bold";
constexpr double kDefaultLineWidth = 0;
constexpr Palette kDefaultPalette = Palette::kOkabeIto;
constexpr bool kDefaultShowBox = true;
constexpr bool kDefaultShowLabel = true;
constexpr bool kDefaultShowBars = true;
constexpr bool kDefaultShowLandmarks = false;
constexpr bool kDefaultShowMask = false;
constexpr double kDefaultMaskOpacity = 0.6;

struct PainterSettings {
  std::string font_desc = kDefaultFontDesc;  ///< pango's; without a size the text follows the face's size
  double line_width = kDefaultLineWidth;     ///< of the box, in pixels; 0 follows the face's size
  Palette palette = kDefaultPalette;
  bool show_box = kDefaultShowBox;
  bool show_label = kDefaultShowLabel;
  bool show_bars = kDefaultShowBars;
  bool show_landmarks = kDefaultShowLandmarks;
  bool show_mask = kDefaultShowMask;
  double mask_opacity = kDefaultMaskOpacity;  ///< 0…1, where the mask is 1
};

bool operator==(const PainterSettings& a, const PainterSettings& b);

/// What a classifier says of a face.
struct FaceExpression {
  std::string label;
  double confidence = 0;                                     ///< 0…1
  bool uncertain = false;                                    ///< the model abstains
  std::vector<std::pair<std::string, double>> distribution;  ///< drawn in this order; values 0…1
};

/// One face as the painter sees it, in the frame's pixels. Values may be nonsense (other elements write them, too):
/// what is not finite is not drawn.
struct OverlayFace {
  int id = 0;  ///< the same face has the same id on the next frame: the key of the cache
  Box box;
  std::optional<Landmarks> landmarks;
  std::optional<FaceExpression> expression;
  std::shared_ptr<const MotionMask> mask;  ///< null: none
  Affine warp{};                           ///< frame → crop; read only where there is a mask
  int crop_side = 0;                       ///< of the crop that the mask is of
};

/// A finished picture: premultiplied ARGB32 in native byte order (BGRA on little-endian machines), stride 4 × width.
struct OverlayPicture {
  int x = 0;  ///< its place in the frame; the whole picture lies inside the frame
  int y = 0;
  int width = 0;
  int height = 0;
  std::uint64_t serial = 0;  ///< the same number: the same pixels
  std::shared_ptr<const std::vector<std::uint8_t>> pixels;
};

/// Draws faces' annotations, one small picture a face. What it drew for an id last is kept: where nothing that can be
/// seen has changed but the place, the same pixels come back. One instance per stream; not for use by two threads at
/// once.
class OverlayPainter {
 public:
  explicit OverlayPainter(const PainterSettings& settings);
  ~OverlayPainter();
  OverlayPainter(OverlayPainter&&) noexcept;
  OverlayPainter& operator=(OverlayPainter&&) noexcept;

  /// For what is painted from now on.
  void set(const PainterSettings& settings);

  /// Nothing where there is nothing to see: everything switched off, or the face outside the frame. `others` are the
  /// boxes of the frame's other faces, which the bars try not to cover, nor what was painted
  /// on this frame before.
  std::optional<OverlayPicture> paint(const OverlayFace& face, Size frame, const std::vector<Box>& others = {});

  /// Forgets the faces that have not been painted since the last call. Call it after each frame.
  void end_frame();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fmpn::overlay
