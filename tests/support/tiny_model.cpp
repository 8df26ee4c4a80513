#include "tiny_model.h"

#include <torch/types.h>

#include "runtime/model_file.h"

namespace fmpn::test {

ModelInfo tiny_model_info() {
  ModelInfo info;
  info.name = "tiny";
  info.fmg_width = 2;
  info.cn = "resnet18";
  info.cn_width = 4;
  info.cn_stem = "small";
  info.input_size = 48;
  info.crop_size = 52;
  info.classes = {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"};
  info.provenance["data"] = "none: random weights for tests";
  return info;
}

void write_tiny_model(const std::string& path, const ModelInfo& info, int batches) {
  torch::manual_seed(20190222);
  FmpnNet net(info);
  initialise_for_scratch(*net);
  if (net->uses_masks) start_near_identity(*net->pfn);
  const torch::NoGradGuard no_grad;
  net->named_parameters()["cls." + net->cn->final_layer() + ".weight"].normal_(0, 0.5);
  // Batch norms that fit what they see: with the statistics of a fresh net, four ReLUs can all be shut.
  net->train();
  for (int i = 0; i < batches; ++i) net->forward(torch::rand({8, 3, info.input_size, info.input_size}));
  net->eval();
  save_model(path, info, *net, /*half=*/false);
}

}  // namespace fmpn::test
