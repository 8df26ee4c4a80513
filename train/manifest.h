#pragma once

#include <string>
#include <vector>

namespace fmpn::train {

/// One picture of a prepared data set: what every stage of fmpn-train shares. A row without a label is a reference face,
/// the neutral one that other rows name in `neutral`: no stage trains or tests on it. It stands in the manifest so that
/// its crop is known, checked and told apart from a stray file. (`prepare --with-neutral` labels these faces "neutral"
/// and so makes them a class.)
struct ManifestRow {
  std::string path;    ///< of the aligned crop, relative to the manifest's folder
  std::string source;  ///< the picture that it was made from
  std::string label;   ///< canonical class name; empty: a reference face, of no class
  std::string subject, sequence, frame;  ///< empty where the data set does not know them
  std::string fold;    ///< the test fold that it belongs to; empty: none
  std::string split;   ///< train | valid | test; empty: none
  std::string neutral; ///< crop of the same person's neutral face, relative to the manifest's folder; empty: none
  bool aligned = true; ///< false: no face was found, the crop is the whole picture
};

/// RFC 4180: fields with a comma, a quote or a line end are quoted. Accepts Windows line ends.
/// Throws kNotFound, kBadFormat (file and line, or the missing column).
std::vector<ManifestRow> read_manifest(const std::string& folder);
/// The old one stays until the new one is whole. Throws kIo.
void write_manifest(const std::string& folder, const std::vector<ManifestRow>& rows);

/// What a data set is called where a model or a report names it: its folder, without the path to it, in UTF-8.
std::string data_set_name(const std::string& folder);

/// Which labelled rows a stage takes.
struct Selection {
  std::string split;   ///< "" for any
  int fold = -1;       ///< −1 for any
  bool within = true;  ///< the fold's own rows (its test set); false: those of the other folds (its training set)
};
/// The labelled rows that `selection` asks for, in their order. Rows of no fold belong to none and to no other.
std::vector<ManifestRow> select_rows(std::vector<ManifestRow> rows, const Selection& selection);

/// The number of folds, named 0…n−1, of the labelled rows; 0 where the manifest has none. Throws kBadFormat for a gap.
int fold_count(const std::vector<ManifestRow>& rows);

}  // namespace fmpn::train
