#include "runtime/model_metadata.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "runtime/safetensors.h"

namespace fmpn {
namespace {

using nlohmann::json;
constexpr char kProvenance[] = "provenance.";

/// Reads typed values out of the string map; every fault names the file and the key.
class Fields {
 public:
  Fields(const std::string& file, const std::map<std::string, std::string>& values) : file_(file), values_(values) {}

  const std::string& text(const char* key) const {
    const auto found = values_.find(key);
    if (found == values_.end())
      throw Error(ErrorCode::kBadFormat, file_ + ": not an FMPN model: no '" + std::string(key) + "' in its metadata");
    return found->second;
  }
  int integer(const char* key, int low, int high) const { return static_cast<int>(checked(key, low, high, true)); }
  double number(const char* key, double low, double high) const { return checked(key, low, high, false); }
  json list(const char* key) const {
    json value = json::parse(text(key), nullptr, false);
    if (!value.is_array()) fail(key, "is not a list");
    return value;
  }
  [[noreturn]] void fail(const char* key, const std::string& what) const {
    throw Error(ErrorCode::kBadFormat, file_ + ": '" + std::string(key) + "' " + what);
  }

 private:
  double checked(const char* key, double low, double high, bool whole) const {
    const json value = json::parse(text(key), nullptr, false);
    if (!value.is_number()) fail(key, "is not a number");
    const auto n = value.get<double>();
    if (!(n >= low && n <= high) || (whole && n != std::floor(n))) fail(key, "is out of range: " + value.dump());
    return n;
  }
  const std::string& file_;
  const std::map<std::string, std::string>& values_;
};

std::string names_as_json(const std::string& model, const std::vector<std::string>& names) {
  try {
    return json(names).dump();
  } catch (const json::exception&) {
    throw Error(ErrorCode::kBadSetting, model + ": 'classes' holds a name that is not UTF-8");
  }
}

}  // namespace

ModelInfo info_from_metadata(const std::string& name, const std::map<std::string, std::string>& metadata) {
  const Fields fields(name, metadata);
  ModelInfo info;
  info.format_version = fields.integer("format_version", 1, 1000);
  if (info.format_version != 1)
    throw Error(ErrorCode::kBadFormat, name + ": model format " + std::to_string(info.format_version) + "; this program knows format 1");
  info.name = fields.text("name");
  info.uses_masks = fields.integer("uses_masks", 0, 1) == 1;
  info.fmg_width = fields.integer("fmg_width", 1, 1024);
  info.cn = fields.text("cn");
  info.cn_width = fields.integer("cn_width", 4, 512);
  info.cn_stem = fields.text("cn_stem");
  info.input_size = fields.integer("input_size", 8, 1024);
  info.crop_size = fields.integer("crop_size", info.input_size, 1024);
  info.color = fields.text("color");
  if (info.color != "rgb" && info.color != "gray") fields.fail("color", "is neither rgb nor gray: " + info.color);
  // Files from before there was a choice don't have it.
  info.mirror_average = metadata.count("mirror_average") != 0 && fields.integer("mirror_average", 0, 1) == 1;
  info.temperature = fields.number("temperature", 1e-3, 1e3);
  info.min_confidence = fields.number("min_confidence", 0, 1);
  std::set<std::string> seen;
  for (const json& entry : fields.list("classes")) {
    const std::string text = entry.is_string() ? entry.get<std::string>() : "";
    const bool is_printable = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
    if (text.empty() || !is_printable) fields.fail("classes", "holds something that is no name");
    if (!seen.insert(text).second) fields.fail("classes", "holds the name " + text + " twice");
    info.classes.push_back(text);
  }
  if (info.classes.size() < 2 || info.classes.size() > 1000) fields.fail("classes", "needs 2 to 1000 names");
  const json points = fields.list("crop_template");
  if (points.size() != info.crop_template.size()) fields.fail("crop_template", "needs five points");
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!points[i].is_array() || points[i].size() != 2 || !points[i][0].is_number() || !points[i][1].is_number())
      fields.fail("crop_template", "holds something that is no point");
    info.crop_template[i] = {points[i][0].get<float>(), points[i][1].get<float>()};
    if (std::abs(info.crop_template[i].x - kStandardTemplate[i].x) > 1e-4 ||
        std::abs(info.crop_template[i].y - kStandardTemplate[i].y) > 1e-4)
      fields.fail("crop_template", "is another template than this program's aligner uses");
  }
  for (const auto& [key, value] : metadata)
    if (key.rfind(kProvenance, 0) == 0) info.provenance[key.substr(sizeof kProvenance - 1)] = value;
  return info;
}

std::map<std::string, std::string> metadata_from_info(const ModelInfo& info) {
  const std::string name = "the model '" + info.name + "'";
  json points = json::array();
  for (const Point& p : info.crop_template) points.push_back({std::round(p.x * 1e4) / 1e4, std::round(p.y * 1e4) / 1e4});
  std::map<std::string, std::string> metadata{
      {"format_version", std::to_string(info.format_version)},
      {"name", info.name},
      {"uses_masks", info.uses_masks ? "1" : "0"},
      {"fmg_width", std::to_string(info.fmg_width)},
      {"cn", info.cn},
      {"cn_width", std::to_string(info.cn_width)},
      {"cn_stem", info.cn_stem},
      {"input_size", std::to_string(info.input_size)},
      {"crop_size", std::to_string(info.crop_size)},
      {"color", info.color},
      {"mirror_average", info.mirror_average ? "1" : "0"},
      {"temperature", json(info.temperature).dump()},
      {"min_confidence", json(info.min_confidence).dump()},
      {"classes", names_as_json(name, info.classes)},
      {"crop_template", points.dump()},
  };
  for (const auto& [key, value] : info.provenance) metadata[kProvenance + key] = value;
  try {
    info_from_metadata(name, metadata);
  } catch (const Error& fault) {
    throw Error(ErrorCode::kBadSetting, fault.what());
  }
  return metadata;
}

ModelInfo read_model_info(const std::string& path) { return info_from_metadata(path, read_safetensors_metadata(path)); }

}  // namespace fmpn
