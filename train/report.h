#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmpn/image_view.h>

#include "run_folder.h"
#include "scores.h"

namespace fmpn::train {

/// One HTML file that opens without a network: pictures stand in it as data.
class HtmlReport {
 public:
  HtmlReport(const std::string& title, const std::string& subtitle);
  void heading(const std::string& text);
  void paragraph(const std::string& text);
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

/// What the last epoch's model makes of the held-out pictures: RUN/result.json.
struct RunResult {
  ConfusionMatrix confusion{std::vector<std::string>()};
  double calibration_error = 0;
  std::optional<double> mask_r2;  ///< see validation.h; guided runs alone
  std::optional<double> mean_mask_accuracy;  ///< where every face gets the mean of all masks: what is lost is what its own mask gave
  int fold = -1;        ///< −1: no fold
  std::string held_out; ///< "split valid", "fold 3"
};
void write_result(const RunFolder& run, const RunResult& result);
/// Throws kNotFound, kBadFormat.
RunResult read_result(const std::string& path);

/// Writes curves.png, confusion.png (where there is a result) and report.html, with what mask samples are there.
void write_run_report(const RunFolder& run, const std::optional<RunResult>& result);

/// Per class: pictures, recall, precision, F1; the first row is the heading.
std::vector<std::vector<std::string>> class_table(const ConfusionMatrix& confusion);

std::string percent_text(double share, int digits = 2);
std::string decimal_text(double value);  ///< two digits after the point

}  // namespace fmpn::train
