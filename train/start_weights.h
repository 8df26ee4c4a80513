#pragma once

#include <string>
#include <vector>

#include "nn/fmpn_net.h"
#include "runtime/safetensors.h"

namespace fmpn::train {

/// What became of the tensors of a file of weights and of those of the net, by name.
struct StartWeights {
  std::vector<std::string> taken;
  std::vector<std::string> drawn;        ///< CN's final layer: drawn anew, whatever the file has
  std::vector<std::string> other_shape;  ///< in both, with their shapes
  std::vector<std::string> missing;      ///< only in the net: drawn anew too
  std::vector<std::string> unused;       ///< only in the file
  std::size_t auxiliary = 0;             ///< of Inception's auxiliary head, dropped
  std::string text() const;              ///< for people, several lines
};

/// Copies into the CN every tensor whose name and shape match, but the final layer's. `weights` is of torchvision, or one
/// of our own model files, of which the CN (cls.*) counts. Throws kBadFormat, naming `path`, where nothing matches or a
/// number is not finite.
StartWeights load_cn_weights(const std::string& path, const SafeTensors& weights, ClassificationNetImpl& net);

/// The same for all of `net`, from one of our own model files.
StartWeights load_start_weights(const std::string& path, const SafeTensors& weights, FmpnNetImpl& net);

/// All of FMG, from one of our own model files (its resface.*) or the authors' <epoch>_net_resface.pth. Throws kBadFormat, naming
/// `path` and the tensor, where one is missing or has another shape: FMG has no layer that would have to be drawn anew.
StartWeights load_fmg_weights(const std::string& path, const SafeTensors& weights, FmgImpl& net);

}  // namespace fmpn::train
