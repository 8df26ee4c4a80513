#pragma once

#include <memory>
#include <string>
#include <vector>

#include <fmpn/export.h>
#include <fmpn/image_view.h>
#include <fmpn/model_info.h>
#include <fmpn/motion_mask.h>

namespace fmpn {

/// Of weights and activations. bfloat16 leaves FMG in single precision where it is narrow.
enum class Precision {
  kAuto,  ///< kBf16 on a CPU that has it, for a model that is known to give the same answers so (measured by `fmpn-train fit`); else kFp32
  kFp32,
  kBf16,  ///< on a CPU without bfloat16 instructions Engine::load() throws
};

struct EngineOptions {
  std::string device = "cpu";  ///< cpu, cuda or cuda:N; with CUDA, cuDNN is set to repeatable results without TF32, for the whole process
  Precision precision = Precision::kAuto;
  int threads = 0;  ///< of the CPU, for one call, 0…1024; 0: OMP_NUM_THREADS, or as many as there are
};

/// One face's result.
struct Expression {
  std::vector<float> logits;         ///< as the CN gives them, in the order of ModelInfo::classes
  std::vector<float> probabilities;  ///< softmax(logits / temperature); sums to 1
  int label_id = -1;                 ///< index of the largest probability
  MotionMask mask;                   ///< side = input_size; empty for a model without masks
};

/// Entropy in bits of a distribution of n shares ≥ 0, 0…log2(n).
FMPN_API float entropy_bits(const std::vector<float>& probabilities);

/// The bundled model: environment variable FMPN_MODEL, else the installed file.
FMPN_API std::string default_model();

/// The file of the reference BLAS where LibTorch runs its matrix products on that one, some 30 times slower than OpenBLAS
/// (Debian: libopenblas0-pthread); empty where it has a fast one. Worth a warning before training; the CPU engine runs
/// without BLAS.
FMPN_API std::string reference_blas();

/// A loaded model, ready to run: immutable, safe to call from several threads, shared between all who load the
/// same file with the same options as long as one of them holds it.
class FMPN_API Engine {
 public:
  /// Throws kNotFound, kBadFormat (names file and key), kBadSetting (device or precision not to be had, threads out of range,
  /// torch::set_default_dtype of another type than float).
  static std::shared_ptr<const Engine> load(const std::string& path, const EngineOptions& options = {});
  virtual ~Engine() = default;

  virtual const ModelInfo& info() const = 0;
  virtual Precision precision() const = 0;  ///< what kAuto became

  /// FMG alone: one mask a crop. Crops are RGB or gray, square, of ModelInfo::crop_size pixels a side, of which the centre is taken, or of
  /// input_size. Throws kBadSetting for another size, and for a model without masks; kRuntime where the masks are no finite numbers.
  virtual std::vector<MotionMask> generate_masks(const std::vector<ImageView>& crops) const = 0;

  /// FMG → PFN → CN as one batch: one result a crop, in their order; crops as for generate_masks(). With `masks` (one a crop, from
  /// generate_masks() of this model) FMG does not run again. Throws kBadSetting for a crop of another size, another number or size of
  /// masks, and masks for a model that has none. Throws kRuntime where the logits are no finite numbers. What overflows before a ReLU
  /// inside may pass unseen: oneDNN's makes 0 of NaN.
  virtual std::vector<Expression> classify(const std::vector<ImageView>& crops) const = 0;
  virtual std::vector<Expression> classify(const std::vector<ImageView>& crops,
                                           const std::vector<MotionMask>& masks) const = 0;
};

}  // namespace fmpn
