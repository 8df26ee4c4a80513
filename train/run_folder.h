#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "folder_lock.h"

namespace fmpn::train {

/// What one epoch came to: a line of metrics.csv.
struct EpochMetrics {
  int phase = 0, epoch = 0;            ///< 1-based
  double mask_loss = 0, class_loss = 0;
  std::optional<double> valid_accuracy{};  ///< 0…1; of phase 2, where something is held out
  double learning_rate = 0;            ///< of the first group, at the epoch's end
  double images_per_second = 0;
  double seconds = 0;
  std::optional<double> mask_r2{};     ///< of the held-out masks, see validation.h
};

/// The files of a run but for weights: config.toml, metrics.csv, TensorBoard's events. The checkpoint is the run's truth:
/// what stands here of later epochs (a kill came before their checkpoint) is cut off before the run goes on.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;
  bool has_checkpoint() const;

  /// Makes the folder, locks it for as long as this object or a copy of it lives (FolderLock), and keeps `configuration` (TOML, a section
  /// [fit]). Without `resume`: throws kBadSetting where a run is in it, or what one has left behind. With it: kNotFound where no checkpoint
  /// is, kBadSetting where the run was started with another configuration, naming each option that differs (configuration.h). Options of
  /// `not_given` that an older version did not have may: they do now what it did.
  void open(const std::string& configuration, bool resume, const std::set<std::string>& not_given = {});

  /// Cuts metrics and events after this epoch of this phase; 0, 0 empties them.
  void cut_after(int phase, int epoch);
  /// One epoch more, in metrics.csv and the events. Throws kIo.
  void add(const EpochMetrics& metrics);

 private:
  std::string path_;
  std::optional<FolderLock> lock_;
};

/// Throws kNotFound, kBadFormat.
std::vector<EpochMetrics> read_metrics(const std::string& path);

}  // namespace fmpn::train
