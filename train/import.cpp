// fmpn-train import: published checkpoints, or weights of torchvision, become one model file.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include <torch/types.h>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "commands.h"
#include "pth_file.h"
#include "runtime/model_file.h"
#include "runtime/model_metadata.h"

namespace fmpn::train {
namespace {

struct Options {
  std::string resface, fusion, cls, output;
  ModelInfo info;
  bool half = false;
};

/// Puts the tensors of one file under `part`, as F32. What trains but does not compute is left out.
void add_part(SafeTensors& model, const std::string& part, const std::string& path, const SafeTensors& weights) {
  for (const auto& [key, stored] : weights.tensors) {
    if (key.find("num_batches_tracked") != std::string::npos || (part == "cls" && key.rfind("AuxLogits.", 0) == 0)) continue;
    const torch::Tensor values = view_of(stored);
    if (!values.defined()) throw Error(ErrorCode::kBadFormat, path + ": tensor '" + key + "' is " + stored.dtype + ", not a float");
    const torch::Tensor single = values.to(torch::kFloat32).contiguous();
    StoredTensor out{"F32", stored.shape, std::vector<std::uint8_t>(single.nbytes())};
    std::memcpy(out.bytes.data(), single.data_ptr(), out.bytes.size());
    model.tensors[part + '.' + key] = std::move(out);
  }
}

/// FMG's width stands in its last convolution: 1×w×7×7.
int fmg_width(const std::string& path, const SafeTensors& resface) {
  const auto found = resface.tensors.find("res_top.0.weight");
  if (found == resface.tensors.end() || found->second.shape.size() != 4 || found->second.shape[1] < 1 || found->second.shape[1] > 1024)
    throw Error(ErrorCode::kBadFormat, path + ": no mask generator (its res_top.0.weight should be 1×w×7×7)");
  return static_cast<int>(found->second.shape[1]);
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

void check(const Options& o) {
  if (o.resface.empty() != o.fusion.empty())
    throw Error(ErrorCode::kBadSetting, "--resface and --fusion belong together; without both the model is CN alone");
  std::set<std::string> seen;
  for (const auto& name : o.info.classes)
    if (name.empty() || !seen.insert(name).second)
      throw Error(ErrorCode::kBadSetting, "--classes: '" + name + "' is there twice, or is no name");
}

void import(Options o) {
  if (o.info.crop_size == 0) o.info.crop_size = static_cast<int>(std::lround(o.info.input_size * 320.0 / 299));
  check(o);
  SafeTensors model;
  std::string sources = o.cls;
  if (!o.resface.empty()) {
    const SafeTensors resface = read_weights(o.resface);
    o.info.fmg_width = fmg_width(o.resface, resface);
    add_part(model, "resface", o.resface, resface);
    add_part(model, "fusion", o.fusion, read_weights(o.fusion));
    sources = o.resface + ", " + o.fusion + ", " + o.cls;
  }
  o.info.uses_masks = !o.resface.empty();
  add_part(model, "cls", o.cls, read_weights(o.cls));
  o.info.provenance["imported_from"] =
      o.info.uses_masks ? file_name(o.resface) + ", " + file_name(o.fusion) + ", " + file_name(o.cls) : file_name(o.cls);
  if (o.info.name.empty()) o.info.name = std::filesystem::path(o.output).stem().string();
  model.metadata = metadata_from_info(o.info);
  info_from_metadata(o.output, model.metadata);  // a setting out of range is refused before anything is written
  LoadedModel loaded = load_model(sources, model);
  save_model(o.output, loaded.info, *loaded.net, o.half);
  std::printf("wrote %s: %zu tensors\n", o.output.c_str(), model.tensors.size());
}

}  // namespace

void add_import(CLI::App& app) {
  auto* c = app.add_subcommand("import", "Weights of others (.pth or .safetensors) as one model file");
  auto o = std::make_shared<Options>();
  o->info.crop_size = 0;
  c->add_option("--resface", o->resface, "Published <epoch>_net_resface.pth: FMG");
  c->add_option("--fusion", o->fusion, "Published <epoch>_net_fusion.pth: PFN");
  c->add_option("--cls", o->cls, "Published <epoch>_net_cls.pth, or torchvision's: CN")->required();
  c->add_option("--cn", o->info.cn, "Classification net")->check(CLI::IsMember(classification_nets()))->capture_default_str();
  c->add_option("--cn-width", o->info.cn_width, "Channels of CN's first stage; 64 is torchvision's")->capture_default_str();
  c->add_option("--cn-stem", o->info.cn_stem, "ResNet: imagenet or small")
      ->check(CLI::IsMember({"imagenet", "small"}))
      ->capture_default_str();
  c->add_option("--input-size", o->info.input_size, "S, 0 or 3 modulo 4")->check(CLI::Range(8, 1024))->capture_default_str();
  c->add_option("--crop-size", o->info.crop_size, "Side of the aligned crop around it; 0: S · 320/299")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  c->add_option("--classes", o->info.classes, "Names in the order of the outputs, with commas between")->required()->delimiter(',');
  c->add_option("--color", o->info.color, "rgb or gray")->check(CLI::IsMember({"rgb", "gray"}))->capture_default_str();
  c->add_option("--name", o->info.name, "Model name");
  c->add_flag("--half", o->half, "Store 16-bit floats: half the size, 1e-3 less exact");
  c->add_option("-o,--output", o->output, "Model file")->required();
  c->callback([o] { import(*o); });
}

}  // namespace fmpn::train
