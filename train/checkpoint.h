#pragma once

#include <string>

#include <torch/optim/optimizer.h>
#include <torch/serialize/archive.h>
#include <torch/types.h>

#include "nn/fmpn_net.h"

namespace fmpn::train {

/// Raised by what makes other batches of one seed: their sizes, what is drawn at random and in which order.
constexpr int kDraws = 1;

/// How far a run has come: its last whole epoch, 1-based.
struct Milestone {
  int phase = 0, epoch = 0;  ///< 0, 0: nothing is trained yet
  double best_accuracy = 0;  ///< of all epochs so far, 0…1
};

/// Writes all that a run needs to go on from there, bit for bit, over what is at `path`, which stays whole until then. `data`:
/// data_fingerprint(). Throws kIo.
void save_checkpoint(const std::string& path, const Milestone& milestone, const std::string& data, const FmpnNetImpl& net,
                     const FmpnNetImpl& average, const torch::optim::Optimizer& optimiser);

/// A checkpoint that is read. All of it throws kBadFormat, naming the file, where the file is broken or is another architecture's.
class Checkpoint {
 public:
  Checkpoint(const std::string& path, torch::Device device);

  /// Throws kBadSetting where the run was made of other data than `fingerprint` tells, naming the first difference. A run of an older
  /// version does not say what it is trained on, and passes.
  void require_data(const std::string& fingerprint);
  Milestone milestone();
  /// That the run was trained with; 0: an older version's, which does not say.
  int threads() { return number("threads"); }
  /// kDraws of the version that has trained it; 0: an older one's, which does not say.
  int draws() { return number("draws"); }
  void restore(FmpnNetImpl& net, FmpnNetImpl& average);
  void restore(torch::optim::Optimizer& optimiser);

 private:
  int number(const std::string& key);

  std::string path_;
  torch::serialize::InputArchive archive_;
};

}  // namespace fmpn::train
