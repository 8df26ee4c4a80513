#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmpn/image_view.h>

namespace fmpn::train {

/// Gray motion masks by class name, from a folder of <class>.png, or of <number>.png with `order` naming the numbers
/// (the published masks: 0…6 in the order of kExpressions). Throws kNotFound, kBadFormat.
std::map<std::string, Image> read_masks(const std::string& folder);

/// Where a fold's masks lie: in the folder of its number where there is one, since they know nothing of its test subjects; else, and for
/// no fold (−1), in `folder` itself.
std::string masks_of_fold(const std::string& folder, int fold);

/// One mask for each of `classes`, scaled to `side`: N×side×side values in 0…1. A class that has none takes
/// `substitute`: "zero" (no motion) or "mean" of the others; "none" makes it an error that names the class.
std::vector<float> masks_for(const std::map<std::string, Image>& masks, const std::vector<std::string>& classes, int side,
                             const std::string& substitute);

}  // namespace fmpn::train
