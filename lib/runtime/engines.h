#pragma once

#include <memory>

#include <torch/types.h>

#include <fmpn/engine.h>

#include "runtime/model_file.h"

namespace fmpn {

constexpr int kMostThreads = 1024;  // OpenMP ends the process where it cannot make as many as it was told

/// OMP_NUM_THREADS, kMostThreads at most, or as many as the process may use.
int default_threads();

/// What Engine::load() chooses between. The networks run as they were compiled for the CPU …
std::shared_ptr<const Engine> make_cpu_engine(OpenModel model, Precision precision, int threads = default_threads());
/// … or as torch runs them: on a CUDA device, and as the measure for the other.
std::shared_ptr<const Engine> make_torch_engine(LoadedModel model, const torch::Device& device, Precision precision);

/// True where oneDNN has bfloat16 instructions to use.
bool cpu_has_bfloat16();

/// N results out of N×K logits; `masks` holds N×S×S values, or none.
std::vector<Expression> expressions_of(const std::vector<float>& logits, const std::vector<float>& masks, const ModelInfo& info);
std::vector<MotionMask> split_masks(const std::vector<float>& masks, const ModelInfo& info);
/// The masks in one piece, N×S×S. Throws kBadSetting for another number than `count` or another side than the model's.
std::vector<float> joined_masks(const std::vector<MotionMask>& masks, std::size_t count, const ModelInfo& info);
/// Throws kBadSetting for the baseline.
void require_masks(const ModelInfo& info);

}  // namespace fmpn
