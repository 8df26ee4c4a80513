#pragma once

#include <CLI/CLI.hpp>

namespace fmpn::train {

// Each adds its subcommand, with a callback that does the work and throws fmpn::Error. One file a subcommand.
void add_prepare(CLI::App& app);
void add_verify(CLI::App& app);
void add_masks(CLI::App& app);
void add_fit(CLI::App& app);
void add_cv(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_predict(CLI::App& app);
void add_info(CLI::App& app);
void add_import(CLI::App& app);
void add_export(CLI::App& app);

}  // namespace fmpn::train
