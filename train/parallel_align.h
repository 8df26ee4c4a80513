#pragma once

#include <functional>
#include <string>

#include <fmpn/aligner.h>

namespace fmpn::train {

/// The crop of a picture's most prominent face, or of the whole picture where none is found.
struct StillCrop {
  Image crop;
  bool aligned = false;
};
/// With `expected` (where a data set says that the face is): the found face that overlaps it best, else that box, aligned.
StillCrop crop_still(Aligner& aligner, const ImageView& picture, const Box* expected = nullptr);

/// Runs `body(aligner, i)` for i in [0, count) on all cores, one Aligner a thread; rethrows the first exception. Ends early
/// where a signal asks to stop (interrupt.h), and returns false then.
bool align_in_parallel(const AlignerOptions& options, std::size_t count, const std::string& what,
                       const std::function<void(Aligner&, std::size_t)>& body);

}  // namespace fmpn::train
