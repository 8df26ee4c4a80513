#pragma once

#include <string>
#include <vector>

#include "manifest.h"

namespace fmpn::annotate {

/// Writes OUT/summary.json, and OUT/report.html, over the inputs of `entries`, from their own summaries: totals, each input's
/// figures, the failed with their reasons. Throws kIo, and kBadFormat for a summary that is damaged.
void write_overall(const std::string& output, const std::vector<Entry>& entries, bool report);

/// Joins the manifests of the shards in `output`: manifest-I-of-N.jsonl for every I. Returns the entries of each one's last run, in order
/// of name.
/// Throws kNotFound where there is none, kBadSetting where shards are missing, not at their end, or of different N.
std::vector<Entry> merge_shards(const std::string& output);

}  // namespace fmpn::annotate
