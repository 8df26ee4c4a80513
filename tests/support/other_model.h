#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "temporary_folder.h"

namespace fmpn::test {

/// A model file in its parts.
struct ModelText {
  std::string header, values;
};

inline ModelText read_model_text(const std::string& path) {
  const std::string file = read_text(path);
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  return {file.substr(8, size), file.substr(8 + size)};
}

inline void write_model_text(const std::string& path, ModelText model) {
  model.header.resize((model.header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = model.header.size();
  write_text(path, std::string(reinterpret_cast<const char*>(&size), sizeof size) + model.header + model.values);
}

/// Writes a model like the tests' own (FMPN_MODEL) whose masks are the opposite, and whose last class is contempt in place of neutral.
/// The program need not link libtorch for it.
inline void write_other_model(const std::string& path) {
  auto [header, values] = read_model_text(std::getenv("FMPN_MODEL"));
  // A mask is the sigmoid of the generator's last layer, which has no bias: with the other signs it is 1 - m.
  const std::string layer = "\"resface.res_top.0.weight\":{\"data_offsets\":[";
  const auto offsets = header.find(layer), name = header.find("neutral");
  if (offsets == std::string::npos || name == std::string::npos) throw std::runtime_error("the tests' model is another than it was");
  std::size_t end = 0;
  const std::string numbers = header.substr(offsets + layer.size());
  const std::size_t begin = std::stoul(numbers, &end), stop = std::stoul(numbers.substr(end + 1));
  for (std::size_t i = begin + 3; i < stop; i += 4) values[i] = static_cast<char>(values[i] ^ 0x80);
  header.replace(name, 7, "contempt");
  write_model_text(path, {header, values});
}

/// Writes the tests' own model without its mask generator, as one trained as baseline.
inline void write_maskless_model(const std::string& path) {
  auto [header, values] = read_model_text(std::getenv("FMPN_MODEL"));
  // Tensors lie in the order of their names: cls.*, then those that make and use masks.
  const std::string masked = "\"uses_masks\":\"1\"", begin = "\"data_offsets\":[";
  const auto flag = header.find(masked), rest = header.find(",\"fusion."), offset = header.find(begin, rest);
  if (flag == std::string::npos || offset == std::string::npos) throw std::runtime_error("the tests' model is another than it was");
  values.resize(std::stoul(header.substr(offset + begin.size())));
  header = header.substr(0, rest) + "}";
  header[flag + masked.size() - 2] = '0';
  write_model_text(path, {header, values});
}

}  // namespace fmpn::test
