#include "checkpoint.h"

#include <algorithm>
#include <exception>

#include <fmpn/error.h>

#include "data_fingerprint.h"
#include "files/whole_file.h"

namespace fmpn::train {
namespace {

/// Without the stack trace that LibTorch puts behind it.
std::string first_line(const std::exception& fault) {
  const std::string text = fault.what();
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 200));
}

/// LibTorch's exceptions as ours.
template <typename F>
void read_from(const std::string& path, const F& read) {
  try {
    read();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": not a readable checkpoint (" + first_line(fault) + ")");
  }
}

}  // namespace

void save_checkpoint(const std::string& path, const Milestone& milestone, const std::string& data, const FmpnNetImpl& net,
                     const FmpnNetImpl& average, const torch::optim::Optimizer& optimiser) {
  std::exception_ptr fault;
  WholeFile file(path);
  try {
    torch::serialize::OutputArchive archive, of_net, of_average, of_optimiser;
    net.save(of_net);
    average.save(of_average);
    optimiser.save(of_optimiser);
    archive.write("net", of_net);
    archive.write("average", of_average);
    archive.write("optimiser", of_optimiser);
    archive.write("data", c10::IValue(data));
    archive.write("phase", c10::IValue(milestone.phase));
    archive.write("epoch", c10::IValue(milestone.epoch));
    archive.write("best_accuracy", c10::IValue(milestone.best_accuracy));
    archive.write("threads", c10::IValue(torch::get_num_threads()));
    archive.write("draws", c10::IValue(kDraws));
    archive.save_to([&](const void* bytes, std::size_t count) -> std::size_t {
      try {
        if (!fault) file.append(bytes, count);
      } catch (...) {
        fault = std::current_exception();
      }
      return count;  // always: a writer that is told of a fault throws in its destructor
    });
  } catch (const std::exception& other) {
    throw Error(ErrorCode::kIo, path + ": the checkpoint cannot be written (" + first_line(other) + ")");
  }
  if (fault) std::rethrow_exception(fault);
  file.commit(/*durable=*/true);
}

Checkpoint::Checkpoint(const std::string& path, torch::Device device) : path_(path) {
  read_from(path_, [&] { archive_.load_from(path_, device); });
}

void Checkpoint::require_data(const std::string& fingerprint) {
  std::string difference;
  read_from(path_, [&] {
    if (c10::IValue kept; archive_.try_read("data", kept)) difference = fingerprint_difference(fingerprint, kept.toStringRef());
  });
  if (!difference.empty()) throw Error(ErrorCode::kBadSetting, path_ + ": the run was started with other data: " + difference);
}

Milestone Checkpoint::milestone() {
  Milestone milestone;
  read_from(path_, [&] {
    c10::IValue phase, epoch, best;
    archive_.read("phase", phase);
    archive_.read("epoch", epoch);
    archive_.read("best_accuracy", best);
    milestone = {static_cast<int>(phase.toInt()), static_cast<int>(epoch.toInt()), best.toDouble()};
  });
  return milestone;
}

int Checkpoint::number(const std::string& key) {
  int number = 0;
  read_from(path_, [&] {
    if (c10::IValue kept; archive_.try_read(key, kept)) number = static_cast<int>(kept.toInt());
  });
  return number;
}

void Checkpoint::restore(FmpnNetImpl& net, FmpnNetImpl& average) {
  read_from(path_, [&] {
    torch::serialize::InputArchive of_net, of_average;
    archive_.read("net", of_net);
    archive_.read("average", of_average);
    net.load(of_net);
    average.load(of_average);
  });
  for (FmpnNetImpl* each : {&net, &average}) lay_channels_last(*each);  // an older checkpoint's may lie otherwise
}

void Checkpoint::restore(torch::optim::Optimizer& optimiser) {
  read_from(path_, [&] {
    torch::serialize::InputArchive of_optimiser;
    archive_.read("optimiser", of_optimiser);
    optimiser.load(of_optimiser);
  });
}

}  // namespace fmpn::train
