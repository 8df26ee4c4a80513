#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fmpn::train {

/// One point of a curve in TensorBoard.
struct EventScalar {
  double wall_time = 0;  ///< seconds since 1970
  std::int64_t step = 0;
  std::string tag;
  float value = 0;
};

/// TensorBoard's event file, scalars only: TFRecord framing (length, masked CRC-32C of it, data, masked CRC-32C of that)
/// around Event messages of protocol buffers. The first record names the format, "brain.Event:2".
std::string encode_event_heading(double wall_time);
std::string encode_event(const EventScalar& scalar);

/// The scalars of an event file's bytes, as far as it is sound: what follows a record cut short (a kill while it was written) is left out,
/// and so is what follows one whose checksum is wrong; then `fault` says where that is.
std::vector<EventScalar> decode_events(std::string_view bytes, std::string* fault);

/// CRC-32C (Castagnoli), reflected, as RFC 3720 has it.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace fmpn::train
