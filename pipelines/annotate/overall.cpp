#include "overall.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <regex>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/json_text.h"
#include "files/whole_file.h"
#include "report.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

/// What the overall page tells of one input that is done.
Json figures(const std::string& path) {
  try {
    const Json own = Json::parse(read_whole(path));
    Json row;
    for (const char* key : {"frames", "frames_with_face", "seconds", "dominant", "time_in", "image"}) row[key] = own.at(key);
    row["faces"] = own.at("faces").size();
    row["onsets"] = Json::object();
    for (const Json& face : own.at("faces"))
      for (const auto& [label, count] : face.at("onsets").items()) row["onsets"][label] = row["onsets"].value(label, 0) + count.get<int>();
    row["warnings"] = own.at("warnings").size();
    return row;
  } catch (const Json::exception& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": " + fault.what());
  }
}

}  // namespace

void write_overall(const std::string& output, const std::vector<Entry>& entries, bool report) {
  Json json{{"generator", "fmpn-annotate"}, {"version", FMPN_VERSION}};
  std::uint64_t done = 0, failed = 0, partial = 0, frames = 0, faces = 0;
  double seconds = 0;
  std::map<std::string, double> time_in;
  Json rows = Json::array();
  for (const Entry& entry : entries) {
    Json row{{"name", entry.name},
             {"source", entry.source},
             {"state", entry.state == State::kDone     ? "done"
                       : entry.state == State::kFailed ? "failed"
                                                       : "partial"}};
    if (entry.state == State::kDone) {
      ++done;
      row.update(figures((fs::path(output) / entry.name / "summary.json").string()));
      row["report"] = fs::exists(fs::path(output) / entry.name / "report.html");
      frames += row["frames"].get<std::uint64_t>();
      faces += row["faces"].get<std::uint64_t>();
      seconds += row["seconds"].get<double>();
      for (const auto& [label, time] : row["time_in"].items()) time_in[label] += time.get<double>();
    } else {
      entry.state == State::kFailed ? ++failed : ++partial;
      row["reason"] = entry.reason;
    }
    rows.push_back(std::move(row));
  }
  for (auto& [label, time] : time_in) time = std::round(time * 1000) / 1000;
  json["totals"] = {{"inputs", entries.size()}, {"done", done}, {"failed", failed}, {"partial", partial}, {"frames", frames},
                    {"seconds", std::round(seconds * 1000) / 1000}, {"faces", faces}, {"time_in", time_in}};
  json["inputs"] = std::move(rows);
  write_whole((fs::path(output) / "summary.json").string(), json_text(json, 2) + "\n", true);
  if (report) write_overall_report((fs::path(output) / "report.html").string(), json);
}

std::vector<Entry> merge_shards(const std::string& output) {
  static const std::regex pattern(R"(manifest-(\d+)-of-(\d+)\.jsonl)");
  std::map<int, ManifestFile> shards;
  int count = 0;
  std::error_code fault;
  for (fs::directory_iterator at(output, fault), end; !fault && at != end; at.increment(fault)) {
    if (!std::regex_match(at->path().filename().string(), pattern)) continue;
    ManifestFile manifest = read_manifest(at->path().string());
    if (count != 0 && manifest.shard.count != count)
      throw Error(ErrorCode::kBadSetting, output + " holds shards of different runs: of " + std::to_string(count) + " and of " +
                                              std::to_string(manifest.shard.count));
    count = manifest.shard.count;
    shards[manifest.shard.index] = std::move(manifest);
  }
  if (fault) throw Error(ErrorCode::kNotFound, output + ": " + fault.message());
  if (shards.empty()) throw Error(ErrorCode::kNotFound, output + " holds no shard: no manifest-I-of-N.jsonl is in it");
  std::string missing;
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i) {
    const auto found = shards.find(i);
    if (found == shards.end() || !found->second.complete) missing += (missing.empty() ? "" : ", ") + std::to_string(i);
    // Of the last run only: what an earlier one had may belong to another shard by now, under another name, or to no input at all.
    if (found != shards.end()) entries.insert(entries.end(), found->second.last_run.begin(), found->second.last_run.end());
  }
  if (!missing.empty())
    throw Error(ErrorCode::kBadSetting,
                output + ": of " + std::to_string(count) + " shards these are missing or not at their end: " + missing);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace fmpn::annotate
