#pragma once

#include <optional>
#include <string>
#include <vector>

#include "record_format.h"
#include "shard.h"

namespace fmpn::annotate {

enum class Video { kMp4, kMkv, kWebm, kNone };
enum class ReportVideo { kAuto, kEmbed, kLink };

/// What a run is asked for.
struct Options {
  std::vector<std::string> inputs;
  std::string output;

  // What comes out.
  Video video = Video::kMp4;
  std::vector<record::Format> data{record::Format::kJsonl, record::Format::kCsv, record::Format::kVtt};
  bool report = true;
  ReportVideo report_video = ReportVideo::kAuto;

  // How the elements are set; empty: the element's own default. By element and property, as text.
  std::vector<std::pair<std::string, std::string>> align, classify, overlay;
  std::string model;  ///< empty: the bundled one
  std::string device = "cpu";
  std::string precision = "auto";

  // How it is run.
  int jobs = 1;
  int threads = 0;  ///< for the networks of each input; 0: OMP_NUM_THREADS, or all
  bool resume = false;
  std::optional<Shard> shard;  ///< nothing: as the environment says
  bool quiet = false;
  bool json_progress = false;

  bool merge = false;  ///< join the shards' results in `output`
};

/// Reads the command line. Returns nothing where there is nothing left to do (--help), or it is wrong: `status` then is what to
/// exit with, and the user has been told.
std::optional<Options> parse_options(int argc, char** argv, int* status);

const char* suffix_of(Video video);

/// A hash of everything that changes the results: what comes out, how the elements are set, the content of the model's and of the
/// landmark model's file, and the program's version.
std::string settings_hash(const Options& options, const std::string& model_sha256, const std::string& landmarks_sha256);

}  // namespace fmpn::annotate
