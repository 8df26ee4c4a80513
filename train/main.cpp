// fmpn-train: prepares data, makes masks, trains, evaluates. See docs/training.md.

#include <cstdio>
#include <iostream>

#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "commands.h"
#include "config_file.h"
#include "exit_program.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Trains and examines Facial Motion Prior Networks"};
  app.require_subcommand(1);
  app.fallthrough();  // so that `fit --config FILE` reaches the option here
  fmpn::train::add_config_option(app);
  fmpn::train::add_prepare(app);
  fmpn::train::add_verify(app);
  fmpn::train::add_masks(app);
  fmpn::train::add_fit(app);
  fmpn::train::add_cv(app);
  fmpn::train::add_evaluate(app);
  fmpn::train::add_calibrate(app);
  fmpn::train::add_predict(app);
  fmpn::train::add_info(app);
  fmpn::train::add_import(app);
  fmpn::train::add_export(app);
  if (const std::string blas = fmpn::reference_blas(); !blas.empty())
    std::cerr << "fmpn-train: warning: " << blas << " is the slow reference BLAS; install libopenblas0-pthread\n";
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault);
  } catch (const std::exception& fault) {
    std::cerr << "fmpn-train: " << fault.what() << '\n';
    return 1;
  }
  return 0;
}

/// Rows that a full disk has swallowed must not look like success. Every write leaves its fault on the stream until here.
int with_output_written(int status) {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return status;
  std::cerr << "fmpn-train: standard output: cannot be written\n";
  return status != 0 ? status : 1;
}

}  // namespace

int main(int argc, char** argv) { fmpn::train::exit_program(with_output_written(run(argc, argv))); }
