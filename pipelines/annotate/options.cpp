#include "options.h"

#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "fingerprint.h"

namespace fmpn::annotate {
namespace {

const std::map<std::string, Video> kVideos{{"mp4", Video::kMp4}, {"mkv", Video::kMkv}, {"webm", Video::kWebm}, {"none", Video::kNone}};
const std::map<std::string, ReportVideo> kReportVideos{
    {"auto", ReportVideo::kAuto}, {"embed", ReportVideo::kEmbed}, {"link", ReportVideo::kLink}};

std::vector<std::string> names(const std::map<std::string, Video>& map) {
  std::vector<std::string> list;
  for (const auto& [name, value] : map) list.push_back(name);
  return list;
}

std::vector<std::string> names(const std::map<std::string, ReportVideo>& map) {
  std::vector<std::string> list;
  for (const auto& [name, value] : map) list.push_back(name);
  return list;
}

/// An option that is handed to an element as it is, once it has been checked here: a wrong value should not start a run.
void element_option(CLI::App& app, const std::string& property, std::vector<std::pair<std::string, std::string>>* into,
                    const std::string& help, const CLI::Validator& check) {
  app.add_option_function<std::string>(
         "--" + property, [into, property](const std::string& value) { into->emplace_back(property, value); }, help)
      ->check(check)
      ->group("Elements");
}

void add_element_options(CLI::App& app, Options& options) {
  element_option(app, "detect-interval", &options.align, "search the whole frame for faces every so many frames", CLI::Range(1, 1000000));
  element_option(app, "min-face-size", &options.align, "smaller faces are not looked for, in pixels", CLI::Range(16, 4096));
  element_option(app, "max-faces", &options.align, "at most so many faces a frame, the largest first", CLI::Range(1, 1000000));
  element_option(app, "detection-threshold", &options.align, "score that a detection needs", CLI::Range(-2.0, 5.0));
  element_option(app, "landmark-model", &options.align, "dlib shape predictor", CLI::ExistingFile);
  element_option(app, "smoothing", &options.classify, "half-life in seconds of a face's earlier distributions", CLI::Range(0.0, 60.0));
  element_option(app, "min-confidence", &options.classify, "below it a label is uncertain; -1: as the model says", CLI::Range(-1.0, 1.0));
  element_option(app, "min-quality", &options.classify, "a face of less quality is uncertain", CLI::Range(0.0, 1.0));
  element_option(app, "anonymize", &options.overlay, "hide the faces in the video: none, blur, pixelate, box",
                 CLI::IsMember({"none", "blur", "pixelate", "box"}));
  app.add_flag_callback(
         "--show-mask", [&options] { options.overlay.emplace_back("show-mask", "true"); }, "draw the motion masks")
      ->group("Elements");
  app.add_option("--model", options.model, "model file")->check(CLI::ExistingFile)->group("Elements");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str()->group("Elements");
  app.add_option("--precision", options.precision, "auto, fp32 or bf16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str()
      ->group("Elements");
}

void set_formats(const std::vector<std::string>& wanted, Options& options) {
  options.data.clear();
  for (const std::string& name : wanted) {
    if (name == "none") continue;
    const record::Format format = record::format_named(name);
    if (std::find(options.data.begin(), options.data.end(), format) == options.data.end()) options.data.push_back(format);
  }
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int* status) {
  Options options;
  CLI::App app("Annotates recordings and pictures with facial expressions: a video with the results drawn in, a row for every\n"
               "frame and face, a summary and a report.\n"
               "fmpn-annotate [OPTIONS] INPUT... -o OUT, where INPUT is a file, a folder, a glob, a URI, or - for a list of these on\n"
               "standard input; fmpn-annotate merge OUT joins what the shards of an array job have made.", "fmpn-annotate");
  app.set_version_flag("--version", std::string(FMPN_VERSION));
  std::string video = "mp4", report_video = "auto", shard;
  std::vector<std::string> data{"jsonl", "csv", "vtt"};
  app.add_option("INPUT", options.inputs);
  app.add_option("-o,--output", options.output, "folder for the results");
  app.add_option("--video", video, "annotated video: mp4, mkv, webm or none")->check(CLI::IsMember(names(kVideos)))->capture_default_str();
  app.add_option("--data", data, "formats of the rows: jsonl, csv, vtt, or none")
      ->delimiter(',')
      ->check(CLI::IsMember({"jsonl", "csv", "vtt", "none"}))
      ->capture_default_str();
  app.add_flag("!--no-report", options.report, "write no report.html");
  app.add_option("--report-video", report_video, "the report holds the video, or names it: embed, link, or auto (embed up to 32 MiB)")
      ->check(CLI::IsMember(names(kReportVideos)))
      ->capture_default_str();
  app.add_option("-j,--jobs", options.jobs, "inputs at a time; they share the model")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_flag("--resume", options.resume, "skip what is done with these settings, redo the rest");
  app.add_option("--shard", shard, "take the I-th (from 0) of N parts of the inputs; default: the Slurm array task's")
      ->type_name("I/N")
      ->check([](const std::string& text) {
        try {
          parse_shard(text);
          return std::string();
        } catch (const Error& fault) {
          return std::string(fault.what());
        }
      });
  app.add_flag("-q,--quiet", options.quiet, "say nothing but errors");
  app.add_flag("--json-progress", options.json_progress, "progress as a JSON object a line on standard output");
  add_element_options(app, options);
  CLI::App* merge = app.add_subcommand("merge", "Joins the shards' results in OUT: summary.json and report.html over all");
  merge->add_option("OUT", options.output, "the shards' output folder")->required();
  merge->add_flag("!--no-report", options.report, "write no report.html");
  *status = 0;
  try {
    app.parse(argc, argv);
    options.merge = merge->parsed();
    if (!options.merge && options.inputs.empty()) throw CLI::RequiredError("INPUT");
    if (!options.merge && options.output.empty()) throw CLI::RequiredError("-o OUT");
    options.video = kVideos.at(video);
    options.report_video = kReportVideos.at(report_video);
    set_formats(data, options);
    if (!shard.empty()) options.shard = parse_shard(shard);
  } catch (const CLI::ParseError& fault) {
    *status = app.exit(fault) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

const char* suffix_of(Video video) {
  switch (video) {
    case Video::kMp4: return "mp4";
    case Video::kMkv: return "mkv";
    case Video::kWebm: return "webm";
    case Video::kNone: return "";
  }
  return "";
}

std::string settings_hash(const Options& options, const std::string& model_sha256, const std::string& landmarks_sha256) {
  nlohmann::json json{{"version", FMPN_VERSION},
                      {"model", model_sha256},
                      {"landmarks", landmarks_sha256},
                      {"device", options.device},
                      {"precision", options.precision},
                      {"video", suffix_of(options.video)},
                      {"report", options.report},
                      {"report_video", static_cast<int>(options.report_video)}};
  for (const record::Format format : options.data) json["data"].push_back(record::name_of(format));
  for (const auto* part : {&options.align, &options.classify, &options.overlay})
    for (const auto& [property, value] : *part)
      if (property != "landmark-model") json["elements"][property] = value;  // what counts is what is in it
  return sha256_of_text(json.dump());
}

}  // namespace fmpn::annotate
