#include "data_fingerprint.h"

#include <cstdio>
#include <sstream>
#include <string_view>

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

std::string pictures(const DataSet& data) {
  if (data.size() == 0) return "none";
  std::string names;
  for (const std::string& path : data.paths) names += path + '\n';
  return std::to_string(data.size()) + ", " + hex(names + std::string(bytes_of(data.labels.contiguous())));
}

std::string pixels(const DataSet& data) {
  return hex({reinterpret_cast<const char*>(data.keys.data()), data.keys.size() * sizeof data.keys[0]});
}

}  // namespace

std::string data_fingerprint(const ModelInfo& info, const DataSet& train, const DataSet& valid, const torch::Tensor& class_masks) {
  std::string text = "the classes:";
  for (const std::string& name : info.classes) text += ' ' + name;
  return text + "\nthe colour: " + info.color + "\nthe pictures to train on: " + pictures(train) +
         "\nthe pictures held out: " + pictures(valid) + "\nthe masks: " + hex(bytes_of(class_masks.contiguous())) +
         "\nthe pixels to train on: " + pixels(train) + "\nthe pixels held out: " + pixels(valid) + '\n';
}

std::string fingerprint_difference(const std::string& now, const std::string& of_run) {
  std::stringstream ours(now), theirs(of_run);
  std::string here, there;
  while (std::getline(ours, here)) {
    if (!std::getline(theirs, there)) break;  // an older version did not ask for more
    if (here == there) continue;
    const std::size_t colon = there.find(':');
    return here + " (the run: " + (colon == std::string::npos ? there : there.substr(colon + 2)) + ')';
  }
  return {};
}

}  // namespace fmpn::train
