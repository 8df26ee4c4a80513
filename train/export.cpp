// fmpn-train export: a model's weights for Python, or the whole model as TorchScript.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/types.h>

#include <fmpn/error.h>

#include "commands.h"
#include "runtime/model_file.h"
#include "runtime/model_metadata.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string model, output, part = "all";
};

/// The tensors as F32. Of one part they carry the names that its Python class knows; of all, the part's name before them.
void export_safetensors(const Options& o, LoadedModel& model) {
  SafeTensors content;
  content.metadata = metadata_from_info(model.info);
  content.metadata["format"] = "pt";  // Python's readers ask for it
  const std::string prefix = o.part == "all" ? "" : o.part + '.';
  for (const auto& [key, value] : state_of(*model.net)) {
    if (key.rfind(prefix, 0) != 0) continue;
    const torch::Tensor flat = value.detach().contiguous();
    StoredTensor stored{"F32", flat.sizes().vec(), std::vector<std::uint8_t>(flat.nbytes())};
    std::memcpy(stored.bytes.data(), flat.data_ptr(), stored.bytes.size());
    content.tensors[key.substr(prefix.size())] = std::move(stored);
  }
  if (content.tensors.empty()) throw Error(ErrorCode::kBadSetting, "--part " + o.part + ": the model has none (baseline)");
  write_safetensors(o.output, content);
  std::printf("wrote %s: %zu tensors\n", o.output.c_str(), content.tensors.size());
}

using Unit = std::shared_ptr<torch::jit::CompilationUnit>;

/// A script module with the same tensors under the same names, and no methods.
torch::jit::Module mirror(const torch::nn::Module& source, const Unit& unit, const std::string& type) {
  torch::jit::Module target(c10::QualifiedName(type), unit);
  target.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& item : source.named_parameters(/*recurse=*/false)) target.register_parameter(item.key(), item.value(), false);
  for (const auto& item : source.named_buffers(/*recurse=*/false)) target.register_buffer(item.key(), item.value());
  for (const auto& item : source.named_children()) target.register_module(item.key(), mirror(*item.value(), unit, type + "_" + item.key()));
  return target;
}

c10::IValue answer(FmpnNetImpl& net, const torch::Tensor& rgb) {
  const auto output = net.forward(rgb);
  if (!output.mask.defined()) return output.logits;
  return c10::ivalue::Tuple::create(output.logits, output.mask);
}

/// The net as it acts in eval mode, for any batch of the model's input size.
torch::jit::Module trace(LoadedModel& model) {
  const torch::NoGradGuard no_grad;
  FmpnNetImpl& net = *model.net;
  torch::jit::Module script = mirror(net, std::make_shared<torch::jit::CompilationUnit>(), "__torch__.fmpn.Net");
  const int64_t side = model.info.input_size;
  const auto run = [&](torch::jit::Stack inputs) -> torch::jit::Stack { return {answer(net, inputs.at(0).toTensor())}; };
  const auto traced = torch::jit::tracer::trace({torch::rand({2, 3, side, side})}, run, [](const torch::Tensor&) { return std::string(); },
                                                /*strict=*/true, /*force_outplace=*/false, &script);
  auto* forward =
      script._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*script.type()->name(), "forward"), traced.first->graph);
  script.type()->addMethod(forward);
  return script;
}

/// What was written must answer as the model does.
void verify(const std::string& file, LoadedModel& model) {
  const torch::NoGradGuard no_grad;
  const auto rgb = torch::rand({3, 3, model.info.input_size, model.info.input_size});
  const auto expected = model.net->forward(rgb);
  const c10::IValue given = torch::jit::load(file).forward({rgb});
  const torch::Tensor logits = given.isTuple() ? given.toTuple()->elements()[0].toTensor() : given.toTensor();
  const double scale = std::max(1.0, expected.logits.abs().max().item<double>());
  double difference = (logits - expected.logits).abs().max().item<double>() / scale;
  if (expected.mask.defined())
    difference = std::max(difference, (given.toTuple()->elements()[1].toTensor() - expected.mask).abs().max().item<double>());
  if (!(difference < 1e-5))
    throw Error(ErrorCode::kRuntime, "the TorchScript answers differently from the model (by " + std::to_string(difference) + ")");
}

void export_script(const Options& o, LoadedModel& model) {
  if (o.part != "all") throw Error(ErrorCode::kBadSetting, "--part is for .safetensors; TorchScript holds the whole model");
  const std::string temporary = o.output + ".partial";
  std::error_code ignored;
  try {
    const torch::jit::ExtraFilesMap extra{{"fmpn.json", nlohmann::json(metadata_from_info(model.info)).dump()}};
    trace(model).save(temporary, extra);
    verify(temporary, model);
    fs::rename(temporary, o.output);
  } catch (const Error&) {
    fs::remove(temporary, ignored);
    throw;
  } catch (const std::exception& fault) {
    fs::remove(temporary, ignored);
    throw Error(ErrorCode::kIo, o.output + ": cannot be written (" + std::string(fault.what()).substr(0, 200) + ")");
  }
  std::printf("wrote %s: forward(rgb N×3×%d×%d in 0…1) gives %s\n", o.output.c_str(), model.info.input_size, model.info.input_size,
              model.info.uses_masks ? "(logits, mask)" : "logits");
}

void run(const Options& o) {
  const auto kind = fs::path(o.output).extension();
  if (kind != ".safetensors" && kind != ".pt")
    throw Error(ErrorCode::kBadSetting, o.output + ": the name must end in .safetensors or .pt (TorchScript)");
  LoadedModel model = load_model(o.model);
  if (kind == ".pt") export_script(o, model);
  else export_safetensors(o, model);
}

}  // namespace

void add_export(CLI::App& app) {
  auto* c = app.add_subcommand("export", "A model's weights for Python (.safetensors), or all of it as TorchScript (.pt)");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  c->add_option("-o,--output", o->output, "FILE.safetensors or FILE.pt")->required();
  c->add_option("--part", o->part, "all; or resface, fusion or cls alone, under its own names (.safetensors)")
      ->check(CLI::IsMember({"all", "resface", "fusion", "cls"}))->capture_default_str();
  c->callback([o] { run(*o); });
}

}  // namespace fmpn::train
