#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmpn/model_info.h>

namespace CLI {
class App;
}

namespace fmpn::train {

/// What `fit` was asked for. The defaults are the paper's recipe; train/recipes/*.toml hold others.
struct FitOptions {
  std::string data, run;
  std::string recipe = "paper";    ///< what gives the values that the user did not; see recipe.h
  std::string phase = "both";      ///< 1 | 2 | both
  std::string ablation = "none";   ///< none | baseline | no-mask
  std::string masks;               ///< folder of ground-truth masks; with a fold, its subfolder of that number where there is one
  std::string missing_mask = "none";  ///< a class without a mask: none (an error) | zero | mean
  std::string train_split = "train", valid_split = "valid";
  std::string weights;             ///< model file that all networks start from; empty: drawn
  std::string cn_weights;          ///< file that CN starts from, after `weights`; empty: drawn
  std::string fmg_weights;         ///< the same for FMG
  std::vector<std::string> teachers;  ///< model files whose mean answers are a share of the targets
  double teacher_share = 0;        ///< that share, the distillation weight; more than 0 with teachers, and only then
  std::string color = "auto";      ///< auto (gray where the crops are) | gray | rgb
  int fold = -1;                   ///< test fold: trains on the other folds, whatever their split; −1: by split
  bool leave_out_duplicates = false;  ///< do not train on pictures that are held out too
  bool resume = false;
  bool check_only = false;         ///< read all that the run needs, train nothing
  bool as_fold = false;            ///< the run is to have a result, for cv's table

  ModelInfo model;                 ///< architecture; classes, colour and provenance come from the data and the run

  int phase1_epochs = 300, phase1_constant = 150;
  int phase2_epochs = 200, phase2_constant = 100;
  int phase1_batch = 32, phase2_batch = 16;
  double phase1_lr = 1e-4, lr = 1e-4, fmg_lr = 1e-5;
  double pfn_lr = 0;                    ///< 0: as lr
  std::string optimiser = "adam";       ///< adam (β 0.5, 0.999) | sgd (Nesterov 0.9)
  std::string schedule = "published";   ///< published | one-cycle | trapezoid
  std::string input_schedule;           ///< see InputSchedule; empty: S always
  double weight_decay = 0;              ///< of FMG and CN; see make_optimiser()
  double lambda_mask = 0.1, lambda_class = 1.0;  ///< λ1, λ2 of Eq. 5
  std::string augmentation = "five-crop";
  std::string initialisation = "published";      ///< published | scratch (CN by He, PFN near the identity)
  double label_smoothing = 0;
  double mixup = 0;                ///< Beta(α, α); off at the end of phase 2, see mixes()
  double ema = 0;                  ///< decay of the averaged weights; 0: off
  std::string device = "cpu";      ///< cpu | cuda | cuda:N
  int cache_mb = 4096;             ///< data sets of more megabytes are read from disk batch by batch
  std::string precision = "fp32";  ///< fp32 | bf16
  std::uint64_t seed = 1;
  int threads = 0;                 ///< 0: all cores
};

/// An option of `command` for each. The last one given counts: a recipe's may be given again on the command line.
void add_options(CLI::App& command, FitOptions& options);
/// Throws kBadSetting for a value that cannot be, alone or beside the others.
void check(const FitOptions& options);
/// What the held-out pictures are called: "split valid", "fold 3".
std::string held_out(const FitOptions& options);

}  // namespace fmpn::train
