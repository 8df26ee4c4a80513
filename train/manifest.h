#pragma once

#include <string>
#include <vector>

namespace fmpn::train {

/// One picture of a prepared data set: what every stage of fmpn-train shares.
struct ManifestRow {
  std::string path;    ///< of the aligned crop, relative to the manifest's folder
  std::string source;  ///< the picture that it was made from
  std::string label;   ///< canonical class name
  std::string subject, sequence, frame;  ///< empty where the data set does not know them
  std::string fold;    ///< the test fold that it belongs to; empty: none
  std::string split;   ///< train | valid | test; empty: none
  std::string neutral; ///< path of the crop of the same person's neutral face; empty: none
  bool aligned = true; ///< false: no face was found, the crop is the whole picture
};

/// RFC 4180: fields with a comma, a quote or a line end are quoted. Accepts Windows line ends.
/// Throws kNotFound, kBadFormat (file and line, or the missing column).
std::vector<ManifestRow> read_manifest(const std::string& folder);
/// Temporary file, then rename. Throws kIo.
void write_manifest(const std::string& folder, const std::vector<ManifestRow>& rows);

}  // namespace fmpn::train
