// fmpn-train cv: a run of `fit` for each fold, each in a process of its own, then one table.

#include <cstdio>
#include <memory>

#include <fmpn/error.h>

#include "child.h"
#include "commands.h"
#include "cross_validation.h"
#include "cv_configuration.h"
#include "files/whole_file.h"
#include "fold_runner.h"
#include "folder_lock.h"
#include "interrupt.h"
#include "manifest.h"
#include "run_folder.h"

namespace fmpn::train {
namespace {

/// The folds that the manifest has; --folds has to agree.
int checked_folds(const CvOptions& o) {
  const int there = fold_count(read_manifest(o.data));
  if (there == 0) throw Error(ErrorCode::kBadFormat, o.data + "/manifest.csv: it has no folds (fmpn-train prepare … --folds N makes them)");
  if (there < 2) throw Error(ErrorCode::kBadFormat, o.data + "/manifest.csv: one fold leaves nothing to train on");
  if (o.folds != 0 && o.folds != there)
    throw Error(ErrorCode::kBadSetting, o.data + "/manifest.csv: it has " + std::to_string(there) + " folds, not " +
                                            std::to_string(o.folds) + " (fmpn-train prepare … --folds N)");
  return there;
}

void cross_validate(CvOptions o) {
  const int folds = checked_folds(o);
  check_configuration(o, folds);
  make_folder(o.run);
  const FolderLock lock(o.run);
  stop_on_signals();
  share_cores(o);
  std::vector<int> open, to_check;
  for (int k = 0; k < folds; ++k) {
    if (!is_done(o, k)) open.push_back(k);
    // A fold that is done says what data it was made of: all folds must be of the same.
    if (!is_done(o, k) || RunFolder(fold_folder(o, k)).has_checkpoint()) to_check.push_back(k);
  }
  if (static_cast<int>(open.size()) < folds)
    std::fprintf(stderr, "%zu of %d folds are done already\n", static_cast<std::size_t>(folds) - open.size(), folds);
  const auto files = given_files(o);
  if (!o.resume) keep(files);
  try {
    check_folds(o, to_check);
  } catch (...) {
    if (!o.resume) forget(files);
    throw;
  }
  write_configuration(o);  // when it goes on, too: an older version's has no threads
  FoldRunner(o, open).run();
  std::fputs(write_cross_validation(o.run, read_folds(o.run, folds)).c_str(), stdout);
  std::printf("\ntable.txt, table.json, the pictures and report.html are in %s\n", o.run.c_str());
}

}  // namespace

void add_cv(CLI::App& app) {
  auto* c =
      app.add_subcommand("cv", "Cross-validation: fit for each fold, then the table. DATA comes first; every option of fit may follow, "
                               "{fold} in it stands for the fold's number");
  auto o = std::make_shared<CvOptions>();
  c->fallthrough(false);
  c->allow_extras();
  c->add_option("data", o->data, "Prepared data set with folds")->required();
  c->add_option("-o,--output", o->run, "Folder for the folds' runs and the table")->required();
  c->add_option("--folds", o->folds, "Has to be the manifest's number")->check(CLI::Range(2, 1000));
  c->add_option("--jobs", o->jobs, "Folds at a time, which share the cores (1; with --resume as before)")->check(CLI::Range(1, 64));
  c->add_option("--config", o->config, "TOML file of fit's options")->check(CLI::ExistingFile);
  c->add_flag("--resume", o->resume, "Go on: folds that are done are kept, one under way continues");
  c->callback([o, c] {
    o->program = own_program();
    o->fit = c->remaining();
    const CLI::Option* config = c->get_parent()->get_config_ptr();  // given before the subcommand
    if (o->config.empty() && config != nullptr && config->count() != 0) o->config = config->as<std::string>();
    cross_validate(*o);
  });
}

}  // namespace fmpn::train
