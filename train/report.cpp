#include "report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "canvas.h"
#include "charts.h"
#include "files/whole_file.h"
#include "number_text.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #21262f; background: #f6f7f9; margin: 0; }
main { max-width: 1320px; margin: 0 auto; padding: 28px 32px 60px; background: #fff; }
h1 { font-size: 26px; margin: 0 0 2px; } h2 { font-size: 18px; margin: 34px 0 10px; }
.subtitle { color: #6b7280; margin: 0 0 20px; }
.figures { display: flex; flex-wrap: wrap; gap: 14px; }
.figure { border: 1px solid #e5e7eb; border-radius: 8px; padding: 10px 18px; min-width: 120px; }
.figure b { display: block; font-size: 24px; } .figure span { color: #6b7280; font-size: 13px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid #e5e7eb; text-align: right; } th { color: #6b7280; font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; }
pre { background: #f6f7f9; border-radius: 8px; padding: 12px 16px; overflow-x: auto; font-size: 13px; }
summary { cursor: pointer; font-size: 18px; font-weight: 600; margin: 34px 0 10px; }
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

/// A picture made by Canvas, kept beside the report and shown in it.
void add_chart(HtmlReport& report, const RunFolder& run, const std::string& name, const std::string& alt, const Image& chart) {
  write_image(run.file(name), chart.view());
  report.picture(read_whole(run.file(name)), alt, chart.width / Canvas::kScale);
}

}  // namespace

HtmlReport::HtmlReport(const std::string& title, const std::string& subtitle) : title_(title) {
  body_ = "<h1>" + escaped(title) + "</h1>\n<p class=\"subtitle\">" + escaped(subtitle) + "</p>\n";
}

void HtmlReport::heading(const std::string& text) { body_ += "<h2>" + escaped(text) + "</h2>\n"; }

void HtmlReport::figures(const std::vector<std::pair<std::string, std::string>>& values) {
  body_ += "<div class=\"figures\">";
  for (const auto& [value, what] : values)
    body_ += "<div class=\"figure\"><b>" + escaped(value) + "</b><span>" + escaped(what) + "</span></div>";
  body_ += "</div>\n";
}

void HtmlReport::table(const std::vector<std::vector<std::string>>& rows) {
  body_ += "<table>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    body_ += "<tr>";
    for (const std::string& cell : rows[i]) body_ += (i == 0 ? "<th>" : "<td>") + escaped(cell) + (i == 0 ? "</th>" : "</td>");
    body_ += "</tr>\n";
  }
  body_ += "</table>\n";
}

void HtmlReport::picture(const std::string& png, const std::string& alt, int width) {
  body_ += "<p><img width=\"" + std::to_string(width) + "\" alt=\"" + escaped(alt) + "\" src=\"data:image/png;base64," + base64(png) +
           "\"></p>\n";
}

void HtmlReport::preformatted(const std::string& summary, const std::string& text) {
  body_ += "<details><summary>" + escaped(summary) + "</summary><pre>" + escaped(text) + "</pre></details>\n";
}

std::string HtmlReport::html() const {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\">\n<title>" +
         escaped(title_) + "</title>\n<style>" + kStyle + "</style></head>\n<body><main>\n" + body_ + "</main></body></html>\n";
}

std::vector<std::vector<std::string>> class_table(const ConfusionMatrix& confusion) {
  const auto text = [](const std::optional<double>& share) { return share ? percent_text(*share) : std::string("–"); };
  std::vector<std::vector<std::string>> rows{{"class", "pictures", "recall %", "precision %", "F1 %"}};
  for (std::size_t c = 0; c < confusion.classes().size(); ++c) {
    const ClassScores scores = confusion.scores_of(c);
    rows.push_back({confusion.classes()[c], std::to_string(scores.pictures), text(scores.recall), text(scores.precision), text(scores.f1)});
  }
  return rows;
}

void write_run_report(const RunFolder& run, const std::optional<RunResult>& result) {
  const auto metrics = read_metrics(run.file("metrics.csv"));
  if (metrics.empty()) return;
  double seconds = 0;
  for (const EpochMetrics& m : metrics) seconds += m.seconds;
  HtmlReport report("FMPN training run", fs::absolute(run.path()).lexically_normal().filename().string());
  std::vector<std::pair<std::string, std::string>> figures{
      {std::to_string(metrics.size()), "epochs"},
      {seconds < 120 ? std::to_string(std::lround(seconds)) + " s" : std::to_string(std::lround(seconds / 60)) + " min", "training time"}};
  if (result) {
    figures.insert(figures.begin(), {{percent_text(result->confusion.accuracy()) + " %", "accuracy, last epoch"},
                                     {percent_text(result->confusion.balanced_accuracy()) + " %", "balanced accuracy"},
                                     {percent_text(result->confusion.macro_f1()) + " %", "macro F1"},
                                     {std::to_string(result->confusion.total()), "pictures of " + result->held_out},
                                     {percent_text(result->calibration_error, 1) + " %",
                                      result->calibrated_here ? "calibration error, fitted to these pictures" : "calibration error"}});
    if (const auto& same = result->mean_mask_accuracy)
      figures.insert(figures.begin() + 3, {percent_text(*same) + " %", "with the mean mask for all"});
  }
  // Phase 1 alone has no result, and this is what it is for.
  if (const auto& r2 = result ? result->mask_r2 : metrics.back().mask_r2)
    figures.insert(figures.begin() + (result ? 3 : 0), {decimal_text(*r2), "R² of the masks"});
  report.figures(figures);
  report.heading("Curves");
  add_chart(report, run, "curves.png", "Losses, R² of the masks and accuracy over the epochs", run_curves(metrics));
  if (result) {
    report.heading("Confusion matrix");
    add_chart(report, run, "confusion.png", "Confusion matrix", confusion_chart("Last epoch on " + result->held_out, result->confusion));
    report.table(class_table(result->confusion));
  }
  for (const auto& [name, title] : {std::pair{"samples-phase1.png", "Masks after phase 1"}, {"samples.png", "Masks after phase 2"}})
    if (fs::exists(run.file(name))) {
      report.heading(title);
      const Image sheet = read_image(run.file(name));
      report.picture(read_if_there(run.file(name)), title, sheet.width / Canvas::kScale);
    }
  report.preformatted("Configuration", read_if_there(run.file("config.toml")));
  report.preformatted("Metrics", read_if_there(run.file("metrics.csv")));
  write_whole(run.file("report.html"), report.html());
}

}  // namespace fmpn::train
