#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/image_view.h>

#include "run_folder.h"
#include "run_result.h"
#include "scores.h"

namespace fmpn::train {

/// One HTML file that opens without a network: pictures stand in it as data.
class HtmlReport {
 public:
  HtmlReport(const std::string& title, const std::string& subtitle);
  void heading(const std::string& text);
  /// Large figures side by side: value, what it is.
  void figures(const std::vector<std::pair<std::string, std::string>>& values);
  /// The first row is the heading; cells after the first column are numbers, to the right.
  void table(const std::vector<std::vector<std::string>>& rows);
  void picture(const std::string& png, const std::string& alt, int width);
  void preformatted(const std::string& summary, const std::string& text);  ///< folded away
  std::string html() const;

 private:
  std::string body_, title_;
};

/// Writes curves.png, confusion.png (where there is a result) and report.html, with what mask samples are there.
void write_run_report(const RunFolder& run, const std::optional<RunResult>& result);

/// Per class: pictures, recall, precision, F1; the first row is the heading.
std::vector<std::vector<std::string>> class_table(const ConfusionMatrix& confusion);

}  // namespace fmpn::train
