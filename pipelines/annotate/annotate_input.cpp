#include "annotate_input.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmpn/error.h>

#include "files/json_text.h"
#include "files/whole_file.h"
#include "media_pipeline.h"
#include "report.h"
#include "result_check.h"
#include "result_folder.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

bool hides_faces(const Options& options) {
  return std::any_of(options.overlay.begin(), options.overlay.end(),
                     [](const auto& one) { return one.first == "anonymize" && one.second != "none"; });
}

Json describe(const Input& input, const Options& options, const MediaResult& media, const Summary& summary, const std::string& stem,
              const std::string& settings) {
  Json json{
      {"generator", "fmpn-annotate"}, {"version", FMPN_VERSION}, {"name", input.name}, {"source", input.source}, {"image", input.image}};
  json["settings"] = settings;
  json["width"] = media.width;
  json["height"] = media.height;
  const std::string video = MediaPipeline::video_file(input, options, stem);
  json["video"] = video.empty() ? Json(nullptr) : Json(video);
  json["data"] = Json::array();
  for (const record::Format format : options.data) json["data"].push_back(stem + "." + record::name_of(format));
  json["warnings"] = media.warnings;
  json.update(summary_json(summary));
  return json;
}

std::string line_of(const std::string& name, const Json& json, const Meter& meter) {
  const std::size_t faces = json.at("faces").size();
  std::string line = name + ": " + std::to_string(meter.frames.load()) + (meter.frames == 1 ? " frame, " : " frames, ") +
                     std::to_string(faces) + (faces == 1 ? " face" : " faces");
  if (!json.at("dominant").is_null()) line += ", mostly " + json.at("dominant").get<std::string>();
  if (!json.at("warnings").empty()) line += " (with warnings: see summary.json)";
  return line;
}

/// Throws for every fault of the input. False: interrupted.
bool produce(const Input& input, const Options& options, const std::string& settings, ResultFolder& folder, Meter& meter,
             const std::atomic<bool>& stop, std::string* line) {
  const std::string stem = folder.stem();
  Summary summary;
  Thumbnails pictures;
  Thumbnails* thumbnails = hides_faces(options) ? nullptr : &pictures;
  MediaPipeline pipeline(input, options, folder.partial(), stem, &summary, thumbnails, &meter);
  const MediaResult media = pipeline.run(stop);
  summary.finish();
  if (media.interrupted) return false;
  check_frames(media, options.data, folder.partial(), stem, summary.frames());
  check_length(media);
  const Json json = describe(input, options, media, summary, stem, settings);
  if (options.report) {
    const std::string video = MediaPipeline::video_file(input, options, stem);
    write_input_report((fs::path(folder.partial()) / "report.html").string(), json, summary, thumbnails,
                       video.empty() ? "" : (fs::path(folder.partial()) / video).string(), options.report_video);
  }
  // Last: a folder with a summary is whole.
  write_whole((fs::path(folder.partial()) / "summary.json").string(), json_text(json, 2) + "\n", true);
  folder.commit();
  *line = line_of(input.name, json, meter);
  return true;
}

}  // namespace

Outcome annotate_input(const Input& input, const Options& options, const std::string& settings, const Fingerprint& known, Meter& meter,
                       const std::atomic<bool>& stop) {
  Outcome outcome;
  Entry& entry = outcome.entry;
  entry.name = input.name;
  entry.source = input.source;
  entry.settings = settings;
  std::optional<ResultFolder> folder;
  try {
    if (!input.problem.empty()) throw Error(ErrorCode::kNotFound, input.problem);
    entry.fingerprint = fingerprint_of(input.path, known, stop);
    folder.emplace(options.output, input.name);
    const bool whole = produce(input, options, settings, *folder, meter, stop, &outcome.line);
    entry.state = whole ? State::kDone : State::kPartial;
    if (!whole)
      outcome.line =
          input.name + ": interrupted after " + std::to_string(meter.frames.load()) + " frames; what there is lies in " + folder->partial();
  } catch (const std::exception& fault) {
    entry.state = stop ? State::kPartial : State::kFailed;
    entry.reason = stop ? "" : fault.what();
    outcome.line = input.source + ": " + fault.what();
    // What was computed before the fault stays, under a name that says that it is not whole.
    if (folder && meter.frames > 0)
      outcome.line += "; the " + std::to_string(meter.frames.load()) + " frames before it lie in " + folder->partial();
    std::error_code ignored;
    if (folder && meter.frames == 0) fs::remove_all(folder->partial(), ignored);
  }
  return outcome;
}

}  // namespace fmpn::annotate
