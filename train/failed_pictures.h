#pragma once

#include <string>
#include <vector>

#include "picture_list.h"

namespace fmpn::train {

/// A row of the list without a crop of a face, and why.
struct FailedPicture {
  const ManifestRow* row = nullptr;
  std::string reason;
};

/// What failed, and what the list has skipped: as a table, `folder`/failed.csv, and to look at, failed.png and further sheets. Those of an
/// earlier run go; nothing stays where nothing failed. Throws kIo.
void write_failures(const std::string& folder, const PictureList& list, const std::vector<FailedPicture>& failed);

}  // namespace fmpn::train
