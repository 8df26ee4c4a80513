#include "mask_set.h"

#include <filesystem>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "core/cv_view.h"

namespace fmpn::train {
namespace fs = std::filesystem;

std::map<std::string, Image> read_masks(const std::string& folder) {
  if (!fs::is_directory(folder)) throw Error(ErrorCode::kNotFound, folder + ": no such folder of masks");
  std::map<std::string, Image> by_file;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".png" && entry.path().stem() != "contact-sheet")  // which masks --contact-sheet leaves there
      by_file[entry.path().stem().string()] = to_image(as_gray(read_image(entry.path().string()).view()));
  if (by_file.empty()) {
    const bool of_folds = fs::is_directory(fs::path(folder) / "0");
    throw Error(ErrorCode::kBadFormat, folder + ": no PNG masks in it" + (of_folds ? " but those of folds; --fold takes one's" : ""));
  }
  // CK+'s published masks are numbered over seven classes, MMI's over six (no contempt).
  const bool numbered = by_file.count("0") != 0;
  const std::size_t count = by_file.size();
  if (numbered && count != 6 && count != 7)
    throw Error(ErrorCode::kBadFormat, folder + ": " + std::to_string(count) + " numbered masks; 7 (CK+) or 6 (MMI) are known");
  std::vector<std::string> order;
  for (const auto name : kExpressions)
    if (!(count == 6 && name == "contempt")) order.emplace_back(name);
  std::map<std::string, Image> masks;
  std::map<std::string, std::string> file_of;
  for (auto& [stem, mask] : by_file) {
    if (mask.width != mask.height)
      throw Error(ErrorCode::kBadFormat, folder + "/" + stem + ".png: " + std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                                             " pixels; masks are square");
    if (numbered) {
      const bool digit = stem.size() == 1 && stem[0] >= '0' && static_cast<std::size_t>(stem[0] - '0') < count;
      if (!digit) throw Error(ErrorCode::kBadFormat, folder + "/" + stem + ".png: not a number below " + std::to_string(count));
      masks[order[static_cast<std::size_t>(stem[0] - '0')]] = std::move(mask);
    } else {
      const auto name = canonical_expression(stem);
      if (!name) throw Error(ErrorCode::kBadFormat, folder + "/" + stem + ".png: '" + stem + "' is no expression that is known");
      if (const auto [first, is_new] = file_of.emplace(*name, stem); !is_new)
        throw Error(ErrorCode::kBadFormat, folder + ": " + first->second + ".png and " + stem + ".png are two masks of one class, " + *name);
      masks[*name] = std::move(mask);
    }
  }
  return masks;
}

std::string masks_of_fold(const std::string& folder, int fold) {
  const fs::path own = fs::path(folder) / std::to_string(fold);
  return fold >= 0 && fs::is_directory(own) ? own.string() : folder;
}

std::vector<float> masks_for(const std::map<std::string, Image>& masks, const std::vector<std::string>& classes, int side,
                             const std::string& substitute) {
  const auto area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const auto scaled = [&](const Image& mask) {
    cv::Mat values;
    as_mat(mask.view()).convertTo(values, CV_32F, 1 / 255.0);
    cv::resize(values, values, cv::Size(side, side), 0, 0, side < mask.width ? cv::INTER_AREA : cv::INTER_LINEAR);
    return values;
  };
  cv::Mat mean = cv::Mat::zeros(side, side, CV_32F);
  for (const auto& item : masks) mean += scaled(item.second) / static_cast<double>(masks.size());
  std::vector<float> values(classes.size() * area, 0);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    cv::Mat target(side, side, CV_32F, values.data() + i * area);
    const auto found = masks.find(classes[i]);
    if (found != masks.end()) scaled(found->second).copyTo(target);
    else if (substitute == "mean") mean.copyTo(target);
    else if (substitute != "zero")
      throw Error(ErrorCode::kBadFormat, "no mask for the class '" + classes[i] + "' (--missing-mask zero|mean gives it one)");
  }
  return values;
}

}  // namespace fmpn::train
