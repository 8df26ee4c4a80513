#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "manifest.h"

namespace fmpn::train {

/// Ascending order in which runs of digits count as numbers: S5 < S10 < S10b.
bool natural_less(const std::string& a, const std::string& b);

/// Gives every row of a known subject its test fold, but for those of the split "test", which belong to none. The N subjects of the
/// labelled rows, sorted ascending, are cut at b_i = floor(N·i/K + 0.5); block i is test fold K − 1 − i. With K = 10 these are the
/// published lists of CK+ and MMI.
/// Throws kBadSetting where there are fewer subjects than folds, or K < 2; kBadFormat where a labelled row has no subject.
void assign_folds(std::vector<ManifestRow>& rows, int folds);

/// Indices of the labelled rows to leave out, so that `most` of each class and split are left, drawn with `seed`.
std::vector<std::size_t> beyond_per_class(const std::vector<ManifestRow>& rows, std::size_t most, std::uint64_t seed);

/// Splits the labelled pictures at random, those of the split "test" apart, which stay there: `share` (0…1, rounded) of the subjects, of
/// each class's sequences of no known subject, and of each class's pictures of neither, become "valid", the rest "train". So nobody who is
/// known, and no sequence, is in both.
void split_at_random(std::vector<ManifestRow>& rows, double share, std::uint64_t seed);

}  // namespace fmpn::train
