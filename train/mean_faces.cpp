#include "mean_faces.h"

#include <filesystem>

#include <opencv2/imgproc.hpp>

#include <fmpn/error.h>

#include "core/cv_view.h"
#include "progress.h"

namespace fmpn::train {

std::map<std::string, MeanFace> mean_faces(const std::string& folder, const std::vector<ManifestRow>& rows, const std::string& what) {
  struct Sum {
    cv::Mat values;
    int count = 0;
  };
  std::map<std::string, Sum> sums;
  cv::Size size;
  Progress progress(what, static_cast<long>(rows.size()));
  long done = 0;
  for (const ManifestRow& row : rows) {
    const std::string path = (std::filesystem::path(folder) / row.path).string();
    const Image crop = read_image(path);
    const cv::Mat gray = as_gray(crop.view());
    if (size.empty()) size = gray.size();
    if (gray.size() != size)
      throw Error(ErrorCode::kBadFormat, path + ": " + std::to_string(gray.cols) + "×" + std::to_string(gray.rows) + " px among crops of " +
                                             std::to_string(size.width) + "×" + std::to_string(size.height));
    Sum& sum = sums[row.label];
    if (sum.count++ == 0) sum.values = cv::Mat::zeros(size, CV_64F);
    cv::accumulate(gray, sum.values);
    progress.update(++done);
  }
  std::map<std::string, MeanFace> means;
  for (const auto& [label, sum] : sums) {
    cv::Mat mean;
    sum.values.convertTo(mean, CV_8U, 1.0 / sum.count);
    means[label] = {to_image(mean), sum.count};
  }
  return means;
}

}  // namespace fmpn::train
