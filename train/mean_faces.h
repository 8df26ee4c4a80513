#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmpn/image_view.h>

#include "manifest.h"

namespace fmpn::train {

struct MeanFace {
  Image face;
  int pictures = 0;
};

/// The mean of every label's crops, gray, to 8 bits. `what`: for the line of progress. Throws kBadFormat, naming the file, for a crop of
/// another size than those before it.
std::map<std::string, MeanFace> mean_faces(const std::string& folder, const std::vector<ManifestRow>& rows, const std::string& what);

}  // namespace fmpn::train
