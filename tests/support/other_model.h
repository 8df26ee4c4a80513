#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "temporary_folder.h"

namespace fmpn::test {

/// Writes a model like the tests' own (FMPN_MODEL) whose masks are the opposite, and whose last class is contempt in place of neutral.
/// The program need not link libtorch for it.
inline void write_other_model(const std::string& path) {
  const std::string file = read_text(std::getenv("FMPN_MODEL"));
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  std::string header = file.substr(8, size), values = file.substr(8 + size);
  // A mask is the sigmoid of the generator's last layer, which has no bias: with the other signs it is 1 - m.
  const std::string layer = "\"resface.res_top.0.weight\":{\"data_offsets\":[";
  const auto offsets = header.find(layer), name = header.find("neutral");
  if (offsets == std::string::npos || name == std::string::npos) throw std::runtime_error("the tests' model is another than it was");
  std::size_t end = 0;
  const std::string numbers = header.substr(offsets + layer.size());
  const std::size_t begin = std::stoul(numbers, &end), stop = std::stoul(numbers.substr(end + 1));
  for (std::size_t i = begin + 3; i < stop; i += 4) values[i] = static_cast<char>(values[i] ^ 0x80);
  header.replace(name, 7, "contempt");
  header.resize((header.size() + 7) / 8 * 8, ' ');
  size = header.size();
  write_text(path, std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + values);
}

}  // namespace fmpn::test
