#include "shard.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include <fmpn/error.h>

#include "fingerprint.h"

namespace fmpn::annotate {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<int> variable(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto value = number(text);
  if (!value) throw Error(ErrorCode::kBadSetting, std::string(name) + "=" + text + " is not a number");
  return value;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string_view view = text;
  const auto index = slash == std::string::npos ? std::nullopt : number(view.substr(0, slash));
  const auto count = slash == std::string::npos ? std::nullopt : number(view.substr(slash + 1));
  if (!index || !count || *count < 1 || *index < 0 || *index >= *count)
    throw Error(ErrorCode::kBadSetting, "shard " + text + " is not I/N with I from 0 to N-1");
  return {*index, *count};
}

Shard shard_of_environment() {
  const auto id = variable("SLURM_ARRAY_TASK_ID");
  if (!id) return {};
  const auto count = variable("SLURM_ARRAY_TASK_COUNT");
  if (!count)
    throw Error(ErrorCode::kBadSetting, "SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_COUNT is not: name the part by --shard I/N");
  const int first = variable("SLURM_ARRAY_TASK_MIN").value_or(0), step = variable("SLURM_ARRAY_TASK_STEP").value_or(1);
  const int last = variable("SLURM_ARRAY_TASK_MAX").value_or(first + step * (*count - 1));
  const int offset = *id - first;
  if (step < 1 || offset < 0 || offset % step != 0 || offset / step >= *count || last != first + step * (*count - 1))
    throw Error(ErrorCode::kBadSetting, "the Slurm array's numbers have holes: which part of how many this is, only --shard I/N can say");
  return {offset / step, *count};
}

bool belongs(const std::string& name, const Shard& shard) {
  if (shard.whole()) return true;
  const std::uint64_t hash = std::stoull(sha256_of_text(name).substr(0, 15), nullptr, 16);
  return static_cast<int>(hash % static_cast<std::uint64_t>(shard.count)) == shard.index;
}

}  // namespace fmpn::annotate
