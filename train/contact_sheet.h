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

/// Tiles in rows of `columns`, each picture fitted into a square of `side` points. At least one tile.
Image contact_sheet(const std::string& title, const std::vector<Tile>& tiles, int columns, int side = 110);

}  // namespace fmpn::train
