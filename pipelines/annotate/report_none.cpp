// For a build without the report: no npm at build time, or -Dreport=disabled.
#include "report.h"

#include <fmpn/error.h>

namespace fmpn::annotate {

bool report_is_built() { return false; }

void write_input_report(const std::string& path, const nlohmann::ordered_json&, const Summary&, const Thumbnails*, const std::string&,
                        ReportVideo) {
  throw Error(ErrorCode::kBadSetting, path + ": this build is without reports");
}

void write_overall_report(const std::string& path, const nlohmann::ordered_json&) {
  throw Error(ErrorCode::kBadSetting, path + ": this build is without reports");
}

}  // namespace fmpn::annotate
