// make_model FILE FMG_WIDTH: a model of the paper's architecture (FMG, PFN, Inception V3, 299 px) with random weights, the same on every
// machine. FMG_WIDTH is 64 in the paper. Batch norms have seen their inputs and the last layers are scaled, so that activations neither
// vanish nor explode: masks use all of 0…1, logits lie within a few units of 0.

#include <cmath>
#include <iostream>
#include <string>

#include <torch/nn/functional/upsampling.h>
#include <torch/types.h>

#include "runtime/model_file.h"

namespace {

using namespace fmpn;

constexpr int kSeed = 20190222;

ModelInfo paper_info(int width) {
  ModelInfo info;
  info.name = "paper";
  info.fmg_width = width;
  info.classes = {"anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"};
  info.provenance["data"] = "none: random weights to be timed";
  return info;
}

/// Running statistics become those of one batch of smooth pictures with some grain, of which deep layers need several.
void fit_batch_norms(FmpnNet& net, int side) {
  namespace F = torch::nn::functional;
  for (const auto& module : net->modules())
    if (auto* norm = module->as<torch::nn::BatchNorm2dImpl>()) norm->options.momentum(1.0);
  auto pictures =
      F::interpolate(torch::rand({12, 3, 9, 9}),
                     F::InterpolateFuncOptions().size(std::vector<int64_t>{side, side}).mode(torch::kBicubic).align_corners(false));
  pictures = (pictures + 0.03 * torch::randn_like(pictures)).clamp(0, 1);
  net->train();
  net->forward(pictures);
  net->eval();
}

void write(const std::string& path, int width) {
  torch::manual_seed(kSeed);
  const ModelInfo info = paper_info(width);
  FmpnNet net(info);
  const torch::NoGradGuard no_grad;
  initialise_for_scratch(*net);
  start_near_identity(*net->pfn);
  auto parameters = net->named_parameters();
  // 49·w inputs of about unit variance, of which a ReLU has cut half: sums of a deviation of about 1.5 into the sigmoid.
  parameters["resface.res_top.0.weight"].normal_(0, 1.5 / std::sqrt(49.0 * width * 0.5));
  parameters["cls.fc.weight"].normal_(0, 0.05);
  fit_batch_norms(net, info.input_size);
  save_model(path, info, *net, /*half=*/false);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_model FILE FMG_WIDTH\n";
    return 2;
  }
  try {
    write(argv[1], std::stoi(argv[2]));
  } catch (const std::exception& fault) {
    std::cerr << fault.what() << '\n';
    return 1;
  }
  return 0;
}
