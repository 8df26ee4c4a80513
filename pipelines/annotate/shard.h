#pragma once

#include <optional>
#include <string>

namespace fmpn::annotate {

/// The part of the inputs that one process of several takes: number `index` of `count`, counted from 0.
struct Shard {
  int index = 0;
  int count = 1;
  bool whole() const { return count == 1; }
};

/// "I/N" with 0 ≤ I < N. Throws kBadSetting.
Shard parse_shard(const std::string& text);

/// From SLURM_ARRAY_TASK_ID, _MIN, _STEP and _COUNT; the whole where this is no array job. Throws kBadSetting for an array
/// whose numbers have holes: then only --shard can say which part is meant.
Shard shard_of_environment();

/// Whether the input of this name is the shard's. By a hash of the name: every process agrees without a word, and an input
/// stays where it is when others come and go.
bool belongs(const std::string& name, const Shard& shard);

}  // namespace fmpn::annotate
