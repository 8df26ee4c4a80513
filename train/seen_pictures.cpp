#include "seen_pictures.h"

namespace fmpn::train {

std::string seen_of(const ModelInfo& model, const std::string& data, const Selection& selection) {
  const auto value = [&](const char* key) {
    const auto found = model.provenance.find(key);
    return found == model.provenance.end() ? std::string() : found->second;
  };
  const std::string name = data_set_name(data), trained_on = value("data"), without_fold = value("without_fold");
  if (trained_on == name && !without_fold.empty()) {
    const bool apart = without_fold == std::to_string(selection.fold) || selection.split == "test";  // what a data set calls test is in no fold
    return apart ? "" : "all folds of " + name + " but fold " + without_fold;
  }
  if (trained_on == name) return "all of " + name;
  // "NAME, split train". A fold has pictures of any split.
  const std::string start = name + ", split ";
  if (trained_on.rfind(start, 0) != 0) return {};
  const std::string split = trained_on.substr(start.size());
  const bool apart = selection.fold < 0 && !selection.split.empty() && selection.split != split;
  return apart ? "" : "the split " + split + " of " + name;
}

}  // namespace fmpn::train
