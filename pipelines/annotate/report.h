#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "options.h"
#include "summary.h"
#include "thumbnails.h"

namespace fmpn::annotate {

/// Whether this build carries the report's page and its chart library.
bool report_is_built();

/// One input's report: a page that needs nothing else, but for a video that is too large to be in it. `json` is the input's
/// summary; `video` the annotated video's (or picture's) path, empty without one; `thumbnails` null: faces stay unseen.
/// Throws kIo.
void write_input_report(const std::string& path, const nlohmann::ordered_json& json, const Summary& summary, const Thumbnails* thumbnails,
                        const std::string& video, ReportVideo mode);

/// The page over all inputs; `json` is the overall summary. Throws kIo.
void write_overall_report(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace fmpn::annotate
