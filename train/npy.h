#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include <fmpn/error.h>
#include <fmpn/motion_mask.h>

namespace fmpn::train {

/// Writes a mask as a NumPy file (format 1.0, float32, side×side). Throws kIo.
inline void write_npy(const std::string& path, const MotionMask& mask) {
  const std::string side = std::to_string(mask.side);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + side + ", " + side + "), }";
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');  // magic, version, length and line end make it whole
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write("\x93NUMPY\x01\x00", 8).put(static_cast<char>(length & 0xff)).put(static_cast<char>(length >> 8));
  file << header;
  file.write(reinterpret_cast<const char*>(mask.values.data()), static_cast<std::streamsize>(mask.values.size() * sizeof(float)));
  file.flush();
  if (!file) throw Error(ErrorCode::kIo, path + ": cannot be written");
}

}  // namespace fmpn::train
