#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include <fmpn/engine.h>

namespace fmpn::train {

/// The options of the commands that run a finished model.
inline void add_engine_options(CLI::App& command, EngineOptions& engine) {
  static const std::map<std::string, Precision> precisions{
      {"auto", Precision::kAuto}, {"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}};
  command.add_option("--device", engine.device, "cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--precision", engine.precision, "auto, fp32 or bf16")->transform(CLI::CheckedTransformer(precisions));
  command.add_option("--threads", engine.threads, "Of the CPU; 0: all")->check(CLI::NonNegativeNumber)->capture_default_str();
}

}  // namespace fmpn::train
