#include "initial_net.h"

#include <cstdio>
#include <string>

#include <torch/types.h>

#include <fmpn/error.h>

#include "input_schedule.h"
#include "pth_file.h"
#include "runtime/model_file.h"
#include "start_weights.h"

namespace fmpn::train {
namespace {

void draw(FmpnNetImpl& net, const FitOptions& o) {
  torch::manual_seed(o.seed);
  const bool scratch = o.initialisation == "scratch";
  const auto initialise = [&](torch::nn::Module& part) { (scratch ? initialise_for_scratch : initialise_as_published)(part); };
  initialise(*net.cn);  // first: with one seed it starts alike in all ways of training it
  if (!net.uses_masks) return;
  initialise(*net.fmg);
  initialise_as_published(*net.pfn);
  if (scratch) start_near_identity(*net.pfn);
}

void load_files(FmpnNetImpl& net, const FitOptions& o) {
  const auto tell = [](const std::string& path, const StartWeights& found) { std::printf("%s:\n%s", path.c_str(), found.text().c_str()); };
  const std::string &whole = o.weights, &cn = o.cn_weights, &fmg = o.fmg_weights;
  if (!whole.empty()) tell(whole, load_start_weights(whole, read_safetensors(whole), net));
  if (!cn.empty()) tell(cn, load_cn_weights(cn, read_weights(cn), *net.cn));
  if (!fmg.empty()) tell(fmg, load_fmg_weights(fmg, read_weights(fmg), *net.fmg));
}

}  // namespace

FmpnNet initial_net(const FitOptions& o) {
  FmpnNet net(o.model);
  if (InputSchedule(o.input_schedule, o.model.input_size).smallest() < net->cn->smallest_side())
    throw Error(ErrorCode::kBadSetting, "--input-schedule: " + o.model.cn + " takes sides of " + std::to_string(net->cn->smallest_side()) +
                                            " and more");
  draw(*net, o);
  if (!o.resume) load_files(*net, o);
  return net;
}

}  // namespace fmpn::train
