#pragma once

#include <string>

#include "runtime/safetensors.h"

namespace fmpn::train {

/// The tensors of a PyTorch checkpoint, `.pth`, in either of its formats (a zip archive; before PyTorch 1.6 a row of
/// pickles), without executing anything in it. The object must be a state dict, or a dict that holds one (under
/// `state_dict`, say). Prefixes `module.` are taken off. Throws kNotFound, or kBadFormat naming the file and what does not
/// belong in it; no length in the file is trusted.
SafeTensors read_pth(const std::string& path);

/// A file of weights of any kind that is known: .safetensors or .pth, told apart by their content.
SafeTensors read_weights(const std::string& path);

}  // namespace fmpn::train
