#pragma once

#include <string>
#include <vector>

#include "manifest.h"

namespace fmpn::train {

/// Whose faces a set of masks is made of stands beside them, in people.csv: masks must know nothing of the people that a model is tested
/// on. Its columns: `subject`, and `below`, the folder that all pictures of the data set come from, since two data sets may both have an
/// S001. People without a name are not in it. `rows`: those whose faces are in the masks; `manifest`: all rows of the data set. Throws kIo.
void write_people(const std::string& masks, const std::vector<ManifestRow>& rows, const std::vector<ManifestRow>& manifest);

/// Takes the list of borrowed masks over with them; without one there, none stays here.
void borrow_people(const std::string& from, const std::string& masks);

/// Throws kBadSetting where somebody of `held_out` (rows of `manifest`) is in `masks`, naming both. Masks that do not say whose they are
/// (published ones) pass.
void require_strangers(const std::string& masks, const std::vector<ManifestRow>& held_out, const std::vector<ManifestRow>& manifest);

}  // namespace fmpn::train
