#pragma once

#include <string>
#include <vector>

namespace fmpn::train {

/// What `cv` was asked for.
struct CvOptions {
  std::string data, run, config, program;
  int folds = 0;
  int jobs = 0;     ///< folds at a time; 0: as the run was begun, or 1
  int threads = 0;  ///< of each fold
  bool resume = false;
  std::vector<std::string> fit;  ///< options of each fold's fit, with {fold} for its number
};

std::string fold_folder(const CvOptions& options, int fold);
std::string fold_log(const CvOptions& options, int fold);
/// True where the fold's run has ended.
bool is_done(const CvOptions& options, int fold);

/// A file of fit's options that the user names with --config or --recipe, and the run's own copy, which says what every fold does,
/// whatever becomes of the file.
struct GivenFile {
  std::string path, kept;
};
std::vector<GivenFile> given_files(const CvOptions& options);
/// Throws kIo, kNotFound.
void keep(const std::vector<GivenFile>& files);
/// Takes the copies away again; a copy that was given itself stays.
void forget(const std::vector<GivenFile>& files);

/// The folder belongs to one configuration, as that of a single run. Throws kNotFound, kBadSetting (naming what differs) where it does not
/// go with `options`, or where an option cannot be in a cross-validation.
void check_configuration(const CvOptions& options, int folds);
/// Sets jobs and threads, and OMP_NUM_THREADS for the folds: folds at a time share the cores, where the user does not say otherwise with
/// that variable (or --threads, or a recipe). Sums depend on the threads, so a run that goes on keeps its number, as one of `fit` does.
void share_cores(CvOptions& options);
/// What later runs are compared with: from here on there is one to resume. Throws kIo.
void write_configuration(const CvOptions& options);

/// The command line of `fit` for a fold, from the copies that are kept; with --resume where it is under way.
std::vector<std::string> fold_command(const CvOptions& options, int fold);

}  // namespace fmpn::train
