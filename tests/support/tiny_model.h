#pragma once

#include <string>

#include <fmpn/model_info.h>

namespace fmpn::test {

/// ResNet-18 of width 4 with the small stem, FMG of width 2, S = 48, crops of 52, FER2013's seven classes.
ModelInfo tiny_model_info();

/// Writes a model of this architecture; the weights are a function of the arguments alone, and its answers differ from picture
/// to picture. `batches` of eight random pictures are what its batch norms are fitted to: one is enough where only time matters.
void write_tiny_model(const std::string& path, const ModelInfo& info = tiny_model_info(), int batches = 20);

}  // namespace fmpn::test
