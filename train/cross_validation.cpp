#include "cross_validation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "canvas.h"
#include "charts.h"
#include "files/json_text.h"
#include "files/whole_file.h"
#include "number_text.h"
#include "predictions.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

std::string fold_name(std::size_t k) { return "fold-" + std::to_string(k); }

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (widths.size() <= c) widths.push_back(0);
      widths[c] = std::max(widths[c], row[c].size());
    }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string blank(widths[c] - row[c].size(), ' ');
      text += (c == 0 ? row[c] + blank : "  " + blank + row[c]);
    }
    text += '\n';
  }
  return text;
}

std::vector<std::vector<std::string>> fold_table(const CrossValidation& r) {
  std::vector<std::vector<std::string>> rows{{"fold", "pictures", "accuracy %"}};
  const bool same = r.mean_with_mean_mask().has_value(), r2 = r.mean_mask_r2().has_value();
  if (same) rows[0].emplace_back("with the mean mask %");
  if (r2) rows[0].emplace_back("R2 of the masks");
  for (std::size_t k = 0; k < r.folds.size(); ++k) {
    const RunResult& fold = r.folds[k];
    rows.push_back({std::to_string(k), std::to_string(fold.confusion.total()), percent_text(fold.confusion.accuracy())});
    if (same) rows.back().push_back(percent_text(*fold.mean_mask_accuracy));
    if (r2) rows.back().push_back(decimal_text(*fold.mask_r2));
  }
  return rows;
}

std::vector<std::vector<std::string>> confusion_table(const ConfusionMatrix& confusion) {
  std::vector<std::vector<std::string>> rows{{"true \\ named"}};
  for (const std::string& name : confusion.classes()) rows[0].push_back(name);
  for (std::size_t i = 0; i < confusion.classes().size(); ++i) {
    rows.push_back({confusion.classes()[i]});
    for (const long n : confusion.counts()[i]) rows.back().push_back(std::to_string(n));
  }
  return rows;
}

/// The mean over the folds of what each epoch came to; only epochs that every fold has.
std::vector<EpochMetrics> mean_metrics(const std::string& run, std::size_t folds) {
  std::vector<EpochMetrics> mean;
  for (std::size_t k = 0; k < folds; ++k) {
    const auto metrics = read_metrics((fs::path(run) / fold_name(k) / "metrics.csv").string());
    if (k == 0) mean.resize(metrics.size());
    mean.resize(std::min(mean.size(), metrics.size()));
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double share = 1 / static_cast<double>(folds);
      mean[i].phase = metrics[i].phase, mean[i].epoch = metrics[i].epoch;
      mean[i].mask_loss += share * metrics[i].mask_loss, mean[i].class_loss += share * metrics[i].class_loss;
      // None where a fold has none, as runs of older versions.
      const auto add = [&](std::optional<double>& sum, const std::optional<double>& value) {
        if (value && (k == 0 || sum)) sum = sum.value_or(0) + share * *value;
        else sum.reset();
      };
      add(mean[i].valid_accuracy, metrics[i].valid_accuracy);
      add(mean[i].mask_r2, metrics[i].mask_r2);
    }
  }
  return mean;
}

void write_report(const std::string& run, const CrossValidation& r, const ConfusionMatrix& pooled) {
  const auto file = [&](const std::string& name) { return (fs::path(run) / name).string(); };
  HtmlReport report("FMPN cross-validation", fs::absolute(run).lexically_normal().filename().string() + ", " +
                                                 std::to_string(r.folds.size()) + " folds, last epoch of each");
  std::vector<std::pair<std::string, std::string>> figures{{percent_text(r.mean()) + " %", "unweighted mean of the folds"},
                                                           {percent_text(pooled.accuracy()) + " %", "pooled over the pictures"},
                                                           {percent_text(pooled.macro_f1()) + " %", "macro F1, pooled"},
                                                           {"± " + percent_text(r.deviation()), "standard deviation of the folds"},
                                                           {std::to_string(pooled.total()), "pictures"}};
  if (const auto same = r.mean_with_mean_mask()) figures.emplace_back(percent_text(*same) + " %", "with the mean mask for all");
  if (const auto r2 = r.mean_mask_r2()) figures.emplace_back(decimal_text(*r2), "mean R² of the masks");
  report.figures(figures);
  const auto add = [&](const char* name, const char* alt, const Image& chart) {
    write_image(file(name), chart.view());
    report.picture(read_whole(file(name)), alt, chart.width / Canvas::kScale);
  };
  std::vector<std::string> names;
  std::vector<double> values;
  for (std::size_t k = 0; k < r.folds.size(); ++k) names.push_back(std::to_string(k)), values.push_back(r.folds[k].confusion.accuracy());
  report.heading("Folds");
  add("folds.png", "Accuracy of each fold", bar_chart("Accuracy of each test fold", names, values, r.mean()));
  report.table(fold_table(r));
  report.heading("Confusion matrix, all folds");
  add("confusion.png", "Confusion matrix", confusion_chart("All folds together", pooled));
  report.table(class_table(pooled));
  report.heading("Curves, mean of the folds");
  if (const auto metrics = mean_metrics(run, r.folds.size()); !metrics.empty())
    add("curves.png", "Losses, R² of the masks and accuracy over the epochs", run_curves(metrics));
  if (const std::string samples = file(fold_name(0) + "/samples.png"); fs::exists(samples)) {
    report.heading("Masks of fold 0");
    report.picture(read_if_there(samples), "Generated masks beside the ground truth", read_image(samples).width / Canvas::kScale);
  }
  report.preformatted("Configuration",
                      read_if_there(file("cv.toml")) + "\n# of each fold\n" + read_if_there(file(fold_name(0) + "/config.toml")));
  write_whole(file("report.html"), report.html());
}

/// None where a fold has none.
std::optional<double> mean_of(const std::vector<RunResult>& folds, std::optional<double> RunResult::*figure) {
  double sum = 0;
  for (const RunResult& fold : folds) {
    if (!(fold.*figure)) return std::nullopt;
    sum += *(fold.*figure);
  }
  return sum / static_cast<double>(folds.size());
}

}  // namespace

double CrossValidation::mean() const {
  double sum = 0;
  for (const RunResult& fold : folds) sum += fold.confusion.accuracy();
  return sum / static_cast<double>(folds.size());
}

std::optional<double> CrossValidation::mean_with_mean_mask() const { return mean_of(folds, &RunResult::mean_mask_accuracy); }

std::optional<double> CrossValidation::mean_mask_r2() const { return mean_of(folds, &RunResult::mask_r2); }

double CrossValidation::deviation() const {
  const double middle = mean();
  double sum = 0;
  for (const RunResult& fold : folds) sum += (fold.confusion.accuracy() - middle) * (fold.confusion.accuracy() - middle);
  return folds.size() > 1 ? std::sqrt(sum / static_cast<double>(folds.size() - 1)) : 0;
}

ConfusionMatrix CrossValidation::pooled() const {
  ConfusionMatrix sum(folds.front().confusion.classes());
  for (const RunResult& fold : folds)
    for (std::size_t i = 0; i < sum.classes().size(); ++i)
      for (std::size_t k = 0; k < sum.classes().size(); ++k) sum.add(i, k, fold.confusion.counts()[i][k]);
  return sum;
}

CrossValidation read_folds(const std::string& run, int folds) {
  CrossValidation result;
  for (std::size_t k = 0; k < static_cast<std::size_t>(folds); ++k) {
    const std::string path = (fs::path(run) / fold_name(k) / "result.json").string();
    result.folds.push_back(read_result(path));
    if (result.folds[k].confusion.classes() != result.folds[0].confusion.classes())
      throw Error(ErrorCode::kBadFormat, path + ": other classes than those of fold 0");
    if (result.folds[k].fold != static_cast<int>(k)) throw Error(ErrorCode::kBadFormat, path + ": the result of another fold");
  }
  return result;
}

std::string write_cross_validation(const std::string& run, const CrossValidation& r) {
  const ConfusionMatrix pooled = r.pooled();
  std::string text = text_table(fold_table(r));
  text += "\nunweighted mean of the folds  " + percent_text(r.mean()) + " % (standard deviation of the folds " +
          percent_text(r.deviation()) + ")\npooled over " + std::to_string(pooled.total()) + " pictures  " +
          percent_text(pooled.accuracy()) + " % (balanced " + percent_text(pooled.balanced_accuracy()) + ", macro F1 " +
          percent_text(pooled.macro_f1()) + ")\n";
  const auto same = r.mean_with_mean_mask();
  if (same) text += "unweighted mean with the mean mask for every face  " + percent_text(*same) + " %\n";
  const auto r2 = r.mean_mask_r2();
  if (r2) text += "mean R² of the masks  " + decimal_text(*r2) + '\n';
  text += '\n' + text_table(class_table(pooled)) + '\n' + text_table(confusion_table(pooled));
  nlohmann::ordered_json folds = nlohmann::json::array();
  for (std::size_t k = 0; k < r.folds.size(); ++k) {
    const RunResult& fold = r.folds[k];
    folds.push_back({{"fold", k},
                     {"images", fold.confusion.total()},
                     {"accuracy", fold.confusion.accuracy()},
                     {"balanced_accuracy", fold.confusion.balanced_accuracy()},
                     {"macro_f1", fold.confusion.macro_f1()},
                     {"confusion", fold.confusion.counts()}});
    if (fold.mean_mask_accuracy) folds.back()["with_mean_mask"] = *fold.mean_mask_accuracy;
    if (fold.mask_r2) folds.back()["mask_r2"] = *fold.mask_r2;
  }
  nlohmann::ordered_json json{{"mean", r.mean()},
                              {"deviation", r.deviation()},
                              {"pooled", pooled.accuracy()},
                              {"pooled_balanced_accuracy", pooled.balanced_accuracy()},
                              {"pooled_macro_f1", pooled.macro_f1()},
                              {"images", pooled.total()},
                              {"classes", pooled.classes()},
                              {"confusion", pooled.counts()},
                              {"folds", folds}};
  if (same) json["mean_with_mean_mask"] = *same;
  if (r2) json["mean_mask_r2"] = *r2;
  write_whole((fs::path(run) / "table.txt").string(), text);
  write_whole((fs::path(run) / "table.json").string(), json_text(json, 1) + '\n');
  std::vector<std::string> predictions;
  for (std::size_t k = 0; k < r.folds.size(); ++k) predictions.push_back((fs::path(run) / fold_name(k) / "predictions.csv").string());
  join_predictions((fs::path(run) / "predictions.csv").string(), predictions);
  write_report(run, r, pooled);
  return text;
}

}  // namespace fmpn::train
