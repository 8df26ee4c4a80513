#include "predictions.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "csv.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace {

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(value));
  return text;
}

}  // namespace

void write_predictions(const std::string& file, const ModelInfo& info, const std::vector<Prediction>& predictions) {
  std::string text = "path,label,named,confidence,answered";
  for (const std::string& name : info.classes) text += ",p_" + csv_quoted(name);
  text += '\n';
  for (const Prediction& p : predictions) {
    const auto best = std::max_element(p.probabilities.begin(), p.probabilities.end());
    text += csv_quoted(p.path) + ',' + csv_quoted(p.label) + ',' +
            csv_quoted(info.classes[static_cast<std::size_t>(best - p.probabilities.begin())]) + ',' + number(*best) +
            (*best >= info.min_confidence ? ",1" : ",0");
    for (const float share : p.probabilities) text += ',' + number(share);
    text += '\n';
  }
  write_whole(file, text);
}

void join_predictions(const std::string& file, const std::vector<std::string>& of_folds) {
  for (const std::string& fold : of_folds)
    if (!std::filesystem::exists(fold)) return;
  std::string text;
  for (std::size_t k = 0; k < of_folds.size(); ++k) {
    const CsvTable table(of_folds[k], {"path", "label", "named"});
    const auto& columns = table.columns();
    if (k == 0) {
      text = "fold";
      for (const std::string& column : columns) text += ',' + csv_quoted(column);
      text += '\n';
    }
    for (std::size_t i = 0; i < table.size(); ++i) {
      text += std::to_string(k);
      for (const std::string& column : columns) text += ',' + csv_quoted(table.get(i, column));
      text += '\n';
    }
  }
  write_whole(file, text);
}

}  // namespace fmpn::train
