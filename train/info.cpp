// fmpn-train info: what a model file says of itself.

#include <cstdio>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <fmpn/model_info.h>

#include "commands.h"
#include "files/json_text.h"

namespace fmpn::train {
namespace {

void print_info(const std::string& path, bool as_json) {
  const ModelInfo info = read_model_info(path);
  nlohmann::ordered_json out{{"name", info.name},
                             {"format_version", info.format_version},
                             {"classes", info.classes},
                             {"cn", info.cn},
                             {"cn_width", info.cn_width},
                             {"cn_stem", info.cn_stem},
                             {"uses_masks", info.uses_masks},
                             {"fmg_width", info.fmg_width},
                             {"input_size", info.input_size},
                             {"crop_size", info.crop_size},
                             {"color", info.color},
                             {"mirror_average", info.mirror_average},
                             {"temperature", info.temperature},
                             {"min_confidence", info.min_confidence},
                             {"provenance", info.provenance}};
  if (as_json) {
    std::cout << json_text(out) << '\n';
    return;
  }
  for (const auto& [key, value] : out.items())
    std::printf("%-15s %s\n", key.c_str(), value.is_string() ? value.get<std::string>().c_str() : json_text(value).c_str());
}

}  // namespace

void add_info(CLI::App& app) {
  auto* c = app.add_subcommand("info", "What a model file says of itself");
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  c->add_option("model", *path, "Model file")->required();
  c->add_flag("--json", *json, "As JSON");
  c->callback([path, json] { print_info(*path, *json); });
}

}  // namespace fmpn::train
