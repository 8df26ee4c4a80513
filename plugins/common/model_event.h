#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

namespace fmpn::gst {

/// A sticky event `fmpn-model` by which fmpnclassify tells whoever is downstream which classes its distributions will have,
/// before the first face (transfer full).
GstEvent* make_model_event(const std::string& model_name, const std::vector<std::string>& classes);

/// Whether `event` is of that kind, whoever sent it.
bool is_model_event(GstEvent* event);

/// The class names in the model's order; nothing where `event` is another.
std::optional<std::vector<std::string>> classes_of(GstEvent* event);

}  // namespace fmpn::gst
