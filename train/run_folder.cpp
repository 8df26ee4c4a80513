#include "run_folder.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmpn/error.h>

#include "configuration.h"
#include "csv.h"
#include "event_file.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHeading = "phase,epoch,mask_loss,class_loss,valid_accuracy,learning_rate,images_per_second,seconds,mask_r2\n";
constexpr const char* kEvents = "events.out.tfevents.fmpn";  // TensorBoard takes any name with "tfevents" in it

std::string line_of(const EpochMetrics& m) {
  char r2[32] = "", accuracy[32] = "", text[256];
  if (m.mask_r2) std::snprintf(r2, sizeof r2, "%.9g", *m.mask_r2);
  if (m.valid_accuracy) std::snprintf(accuracy, sizeof accuracy, "%.9g", *m.valid_accuracy);
  std::snprintf(text, sizeof text, "%d,%d,%.9g,%.9g,%s,%.9g,%.4g,%.4g,%s\n", m.phase, m.epoch, m.mask_loss, m.class_loss, accuracy,
                m.learning_rate, m.images_per_second, m.seconds, r2);
  return text;
}

void append(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << bytes;
  file.flush();
  if (!file) throw Error(ErrorCode::kIo, path + ": cannot be written");
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

bool kept(int phase, long epoch, int last_phase, int last_epoch) {
  return phase < last_phase || (phase == last_phase && epoch <= last_epoch);
}

}  // namespace

std::string RunFolder::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

bool RunFolder::has_checkpoint() const { return fs::exists(file("checkpoint.pt")); }

void RunFolder::open(const std::string& configuration, bool resume, const std::set<std::string>& not_given) {
  if (resume && !has_checkpoint()) throw Error(ErrorCode::kNotFound, path_ + ": holds no checkpoint to resume from");
  make_folder(path_);
  if (!lock_) lock_.emplace(path_);
  if (!resume && has_checkpoint()) throw Error(ErrorCode::kBadSetting, path_ + ": holds a run already; --resume goes on with it");
  // The checkpoint is large, and people delete it once the run has ended: what it came to would be overwritten.
  for (const char* name : {"last.safetensors", "result.json"})
    if (!resume && fs::exists(file(name)))
      throw Error(ErrorCode::kBadSetting, file(name) + ": a run has ended here, whose checkpoint.pt is gone; take another folder");
  if (!resume) return write_whole(file("config.toml"), configuration);
  const std::string difference = configuration_difference(configuration, read_if_there(file("config.toml")), not_given);
  if (!difference.empty())
    throw Error(ErrorCode::kBadSetting, file("config.toml") + ": the run was started with another configuration: " + difference);
}

void RunFolder::cut_after(int phase, int epoch) {
  std::string lines = kHeading;
  if (fs::exists(file("metrics.csv"))) {
    std::string text = read_if_there(file("metrics.csv"));
    text.erase(text.rfind('\n') + 1);  // a line that a kill has cut short
    write_whole(file("metrics.csv"), text);
    if (!text.empty())
      for (const EpochMetrics& m : read_metrics(file("metrics.csv")))
        if (kept(m.phase, m.epoch, phase, epoch)) lines += line_of(m);
  }
  write_whole(file("metrics.csv"), lines);

  std::string events = encode_event_heading(now());
  // A loss of power may have damaged its end. It tells what metrics.csv tells, and is no reason to give a good checkpoint up.
  std::string fault;
  const auto scalars = decode_events(read_if_there(file(kEvents)), &fault);
  if (!fault.empty()) std::fprintf(stderr, "%s: %s; what comes after it is left out\n", file(kEvents).c_str(), fault.c_str());
  for (const EventScalar& scalar : scalars)
    if (kept(std::atoi(scalar.tag.c_str() + std::string("phase").size()), scalar.step, phase, epoch)) events += encode_event(scalar);
  write_whole(file(kEvents), events);
}

void RunFolder::add(const EpochMetrics& m) {
  append(file("metrics.csv"), line_of(m));
  std::string events;
  const double time = now();
  const auto scalar = [&](const char* name, double value) {
    events += encode_event({time, m.epoch, "phase" + std::to_string(m.phase) + '/' + name, static_cast<float>(value)});
  };
  scalar("mask_loss", m.mask_loss);
  if (m.mask_r2) scalar("mask_r2", *m.mask_r2);
  if (m.phase == 2) scalar("class_loss", m.class_loss);
  if (m.valid_accuracy) scalar("valid_accuracy", *m.valid_accuracy);
  scalar("learning_rate", m.learning_rate), scalar("images_per_second", m.images_per_second);
  append(file(kEvents), events);
}

std::vector<EpochMetrics> read_metrics(const std::string& path) {
  const CsvTable table(path, {"phase", "epoch", "mask_loss", "class_loss", "valid_accuracy", "seconds"});
  std::vector<EpochMetrics> metrics;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto number = [&](const char* column) { return std::strtod(table.get(i, column).c_str(), nullptr); };
    metrics.push_back({static_cast<int>(table.whole_number(i, "phase")), static_cast<int>(table.whole_number(i, "epoch")),
                       number("mask_loss"), number("class_loss"), std::nullopt, number("learning_rate"), number("images_per_second"),
                       number("seconds")});
    if (!table.get(i, "valid_accuracy").empty()) metrics.back().valid_accuracy = number("valid_accuracy");
    if (!table.get(i, "mask_r2").empty()) metrics.back().mask_r2 = number("mask_r2");  // older runs have no such column
  }
  return metrics;
}

}  // namespace fmpn::train
