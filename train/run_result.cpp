#include "run_result.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/json_text.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;

void write_result(const std::string& path, const RunResult& result) {
  nlohmann::ordered_json out{{"held_out", result.held_out},
                             {"fold", result.fold},
                             {"images", result.confusion.total()},
                             {"accuracy", result.confusion.accuracy()},
                             {"balanced_accuracy", result.confusion.balanced_accuracy()},
                             {"macro_f1", result.confusion.macro_f1()},
                             {"calibration_error", result.calibration_error},
                             {"calibrated_on_these_pictures", result.calibrated_here},
                             {"classes", result.confusion.classes()},
                             {"confusion", result.confusion.counts()}};
  if (result.mask_r2) out["mask_r2"] = *result.mask_r2;
  if (result.mean_mask_accuracy) out["mean_mask_accuracy"] = *result.mean_mask_accuracy;
  write_whole(path, json_text(out, 1) + '\n');
}

RunResult read_result(const std::string& path) {
  if (!fs::exists(path)) throw Error(ErrorCode::kNotFound, path + ": no such file");
  try {
    const auto in = nlohmann::json::parse(read_if_there(path));
    RunResult result;
    result.confusion = ConfusionMatrix(in.at("classes").get<std::vector<std::string>>());
    const auto counts = in.at("confusion").get<std::vector<std::vector<long>>>();
    const std::size_t n = result.confusion.classes().size();
    if (counts.size() != n) throw Error(ErrorCode::kBadFormat, path + ": the confusion matrix has another size than the classes");
    for (std::size_t i = 0; i < n; ++i) {
      if (counts[i].size() != n) throw Error(ErrorCode::kBadFormat, path + ": the confusion matrix has another size than the classes");
      for (std::size_t k = 0; k < n; ++k) result.confusion.add(i, k, counts[i][k]);
    }
    result.calibration_error = in.at("calibration_error").get<double>();
    result.calibrated_here = in.value("calibrated_on_these_pictures", false);
    if (in.contains("mask_r2")) result.mask_r2 = in.at("mask_r2").get<double>();
    if (in.contains("mean_mask_accuracy")) result.mean_mask_accuracy = in.at("mean_mask_accuracy").get<double>();
    result.fold = in.at("fold").get<int>();
    result.held_out = in.at("held_out").get<std::string>();
    return result;
  } catch (const nlohmann::json::exception& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": " + fault.what());
  }
}

}  // namespace fmpn::train
