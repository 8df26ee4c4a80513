#pragma once

#include <functional>
#include <string>
#include <vector>

#include <fmpn/aligner.h>

#include "manifest.h"

namespace fmpn::train {

/// Pictures under ROOT/<class>/… or ROOT/<train|valid|test>/<class>/…, sorted by path; class folders go by any name that
/// canonical_expression() knows. Throws kNotFound, kBadFormat (no class folder, an unknown or an empty class, no picture).
std::vector<ManifestRow> list_image_folder(const std::string& root);

/// The crop of a picture's most prominent face, or of the whole picture where none is found.
struct StillCrop {
  Image crop;
  bool aligned = false;
};
StillCrop crop_still(Aligner& aligner, const ImageView& picture);

/// Runs `body(aligner, i)` for i in [0, count) on all cores, one Aligner a thread; rethrows the first exception.
void align_in_parallel(const AlignerOptions& options, std::size_t count, const std::string& what,
                       const std::function<void(Aligner&, std::size_t)>& body);

}  // namespace fmpn::train
