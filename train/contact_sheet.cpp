#include "contact_sheet.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

#include "canvas.h"
#include "core/cv_view.h"

namespace fmpn::train {

Image tile_sized(Image picture, int side) {
  const int longer = std::max(picture.width, picture.height), shown = side * Canvas::kScale;
  if (longer <= shown) return picture;
  const double scale = static_cast<double>(shown) / longer;
  const cv::Size size(std::max(1, cvRound(picture.width * scale)), std::max(1, cvRound(picture.height * scale)));
  cv::Mat small;
  cv::resize(as_mat(picture.view()), small, size, 0, 0, cv::INTER_AREA);
  return to_image(small);
}

Image contact_sheet(const std::string& title, const std::vector<Tile>& tiles, int columns, int side) {
  constexpr int kMargin = 16, kGap = 10, kTitle = 34, kText = 30;
  const int count = static_cast<int>(tiles.size()), rows = (count + columns - 1) / columns;
  Canvas canvas(2 * kMargin + columns * (side + kGap) - kGap, kMargin + kTitle + rows * (side + kText + kGap));
  canvas.text(kMargin, kMargin + 6, canvas.fitted(title, 14, canvas.width() - 2 * kMargin), 14, kInk, Anchor::kLeft, true);
  for (int i = 0; i < count; ++i) {
    const Tile& tile = tiles[static_cast<std::size_t>(i)];
    const double x = kMargin + i % columns * (side + kGap), y = kMargin + kTitle + i / columns * (side + kText + kGap);
    canvas.fill(x, y, side, side, kGrid);
    if (!tile.picture.empty()) {
      const double scale = static_cast<double>(side) / std::max(tile.picture.width, tile.picture.height);
      const double w = tile.picture.width * scale, h = tile.picture.height * scale;
      canvas.picture(x + (side - w) / 2, y + (side - h) / 2, w, h, tile.picture.view());
    }
    canvas.text(x, y + side + 9, canvas.fitted(tile.name, 9, side), 9, kInk);
    canvas.text(x, y + side + 21, canvas.fitted(tile.note, 8, side), 8, kFaint);
  }
  return canvas.image();
}

}  // namespace fmpn::train
