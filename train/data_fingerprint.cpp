#include "data_fingerprint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "event_file.h"

namespace fmpn::train {
namespace {

std::string hex(std::string_view bytes) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", crc32c(bytes));
  return text;
}

std::string_view bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const char*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.numel()) * tensor.element_size()};
}

// With the folder in front, as older versions had them.
constexpr const char* kWithFolder = "with their folder, ";

/// `separator`: between the number of pictures and the names' checksum.
std::string pictures(const DataSet& data, const std::string& folder, const char* separator) {
  if (data.size() == 0) return "none";
  std::string names;
  for (const std::string& path : data.paths) names += (std::filesystem::path(folder) / path).string() + '\n';
  return std::to_string(data.size()) + separator + hex(names + std::string(bytes_of(data.labels.contiguous())));
}

std::string pixels(const DataSet& data) {
  return hex({reinterpret_cast<const char*>(data.keys.data()), data.keys.size() * sizeof data.keys[0]});
}

/// Label → value, in the order of the lines.
std::vector<std::pair<std::string, std::string>> lines_of(const std::string& fingerprint) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::stringstream text(fingerprint);
  for (std::string line; std::getline(text, line);) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    lines.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
  }
  return lines;
}

}  // namespace

std::string data_fingerprint(const ModelInfo& info, const DataSet& train, const DataSet& valid, const torch::Tensor& class_masks) {
  std::string classes;
  for (const std::string& name : info.classes) classes += (classes.empty() ? "" : " ") + name;
  std::string text;
  const auto add = [&](const std::string& label, const std::string& value) { text += label + ": " + value + '\n'; };
  add("the classes", classes);
  add("the colour", info.color);
  add("the pictures to train on", pictures(train, "", " named "));
  add("the pictures held out", pictures(valid, "", " named "));
  add("the masks", hex(bytes_of(class_masks.contiguous())));
  add("the pixels to train on", pixels(train));
  add("the pixels held out", pixels(valid));
  add(kWithFolder + std::string("the pictures to train on"), pictures(train, train.folder, ", "));
  add(kWithFolder + std::string("the pictures held out"), pictures(valid, valid.folder, ", "));
  return text;
}

std::string fingerprint_difference(const std::string& now, const std::string& of_run) {
  const auto here = lines_of(now);
  for (const auto& [label, there] : lines_of(of_run)) {  // an older version did not ask for all
    if (label.rfind(kWithFolder, 0) == 0) continue;
    // "42, 01d2c8f7": an older version's names
    const bool with_folder = label.rfind("the pictures", 0) == 0 && there.find(", ") != std::string::npos;
    const auto is_wanted = [&, name = with_folder ? kWithFolder + label : label](const auto& line) { return line.first == name; };
    const auto line = std::find_if(here.begin(), here.end(), is_wanted);
    if (line == here.end() || line->second == there) continue;
    return label + ": " + line->second + " (the run: " + there + ')' +
           (with_folder ? "; an older version knew pictures by their paths: give the data set's folder as it was given then" : "");
  }
  return {};
}

}  // namespace fmpn::train
