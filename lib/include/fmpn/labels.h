#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmpn/export.h>

namespace fmpn {

/// The names that models, masks and manifests use. The order here is for listing only: a model file carries its own.
constexpr std::array<std::string_view, 8> kExpressions{"anger",     "contempt", "disgust",  "fear",
                                                       "happiness", "sadness",  "surprise", "neutral"};

/// Turns a data set's own spelling ("Angry", "happy", "sad", …) into one of kExpressions; nothing if it is none of them.
FMPN_API std::optional<std::string> canonical_expression(std::string_view name);

}  // namespace fmpn
