#pragma once

#include <string>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// A picture and the one or two lines under it. Without a picture: a gray tile.
struct Tile {
  Image picture;
  std::string name, note;
};

constexpr int kTileSide = 110;  ///< in points

/// `picture` no larger than a sheet shows it, so that a sheet of a camera's pictures does not hold gigabytes.
Image tile_sized(Image picture, int side = kTileSide);

/// Tiles in rows of `columns`, each picture fitted into a square of `side` points. At least one tile.
Image contact_sheet(const std::string& title, const std::vector<Tile>& tiles, int columns, int side = kTileSide);

}  // namespace fmpn::train
