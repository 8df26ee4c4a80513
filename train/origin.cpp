#include "origin.h"

#include <cstdio>
#include <filesystem>
#include <utility>

#include "files/json_text.h"
#include "manifest.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

/// The files that the networks started from, by run folder and name: "FMG: fmg/last.safetensors".
std::string start_of(const FitOptions& o) {
  std::string text;
  for (const auto& [net, path] : {std::pair("all", o.weights), {"CN", o.cn_weights}, {"FMG", o.fmg_weights}}) {
    if (path.empty()) continue;
    const fs::path file = fs::absolute(path).lexically_normal();
    text += (text.empty() ? "" : ", ") + std::string(net) + ": " + utf8_text((file.parent_path().filename() / file.filename()).string());
  }
  return text;
}

std::string epoch_text(const FitOptions& o, int chosen_epoch) {
  if (o.phase == "1") return "phase 1 alone (PFN and CN are not trained), last epoch of " + std::to_string(o.phase1_epochs);
  const std::string all = " of " + std::to_string(o.phase2_epochs);
  return chosen_epoch == 0 ? "last epoch" + all : "epoch " + std::to_string(chosen_epoch) + all + ", the best on " + held_out(o);
}

}  // namespace

std::string protocol_of(const FitOptions& o, int chosen_epoch) {
  return epoch_text(o, chosen_epoch) + ", seed " + std::to_string(o.seed) + ", ablation " + o.ablation +
         (o.fold < 0 ? "" : ", without fold " + std::to_string(o.fold));
}

std::map<std::string, std::string> origin_of(const FitOptions& o, std::int64_t train_size, const std::string& teachers) {
  std::map<std::string, std::string> origin;
  origin["data"] = data_set_name(o.data) + (o.fold < 0 && !o.train_split.empty() ? ", split " + o.train_split : "");
  if (o.fold >= 0) origin["without_fold"] = std::to_string(o.fold);
  origin["train_images"] = std::to_string(train_size);
  origin["protocol"] = protocol_of(o);
  if (const std::string start = start_of(o); !start.empty()) origin["start"] = start;
  if (o.leave_out_duplicates) origin["duplicates"] = "left out of training";
  if (o.teachers.empty()) return origin;
  char share[16];
  std::snprintf(share, sizeof share, "%g", o.teacher_share);
  origin["teacher"] = teachers + ", share " + share;
  return origin;
}

}  // namespace fmpn::train
