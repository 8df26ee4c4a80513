#include "event_file.h"

#include <array>
#include <cstring>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

// Fields of tensorflow/core/util/event.proto and framework/summary.proto, with their wire types.
constexpr int kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;  // of Event
constexpr int kValue = 1;                                               // of Summary
constexpr int kTag = 1, kSimpleValue = 2;                               // of Summary.Value

template <typename T>
std::string little_endian(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);  // every machine that LibTorch runs on is little-endian
  return out;
}

template <typename T>
T from_little_endian(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value > 127; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}

std::string field(int number, int type, const std::string& content) {
  const std::string key = varint(static_cast<std::uint64_t>(number) << 3 | static_cast<std::uint64_t>(type));
  return key + (type == kBytes ? varint(content.size()) : "") + content;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

std::string record(const std::string& data) {
  const std::string length = little_endian<std::uint64_t>(data.size());
  return length + little_endian(masked(crc32c(length))) + data + little_endian(masked(crc32c(data)));
}

/// Walks over the fields of one message. False: the message ends within a field.
template <typename Visit>
bool for_each_field(std::string_view message, const Visit& visit) {
  std::size_t at = 0;
  const auto read_varint = [&](std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && at < message.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return true;
    }
    return false;
  };
  while (at < message.size()) {
    std::uint64_t key = 0, value = 0;
    if (!read_varint(key)) return false;
    const int type = static_cast<int>(key & 7);
    std::size_t size = type == kFixed64 ? 8 : 4;
    if (type == kVarint || type == kBytes) {
      if (!read_varint(value)) return false;
      size = type == kBytes ? static_cast<std::size_t>(value) : 0;
    } else if (type != kFixed64 && type != kFixed32) {
      return false;
    }
    if (size > message.size() - at) return false;
    visit(static_cast<int>(key >> 3), value, message.substr(at, size));
    at += size;
  }
  return true;
}

bool decode_event(std::string_view message, std::vector<EventScalar>& out) {
  EventScalar scalar;
  std::string_view summary;
  bool whole = for_each_field(message, [&](int number, std::uint64_t value, std::string_view content) {
    if (number == kWallTime && content.size() == 8) scalar.wall_time = from_little_endian<double>(content);
    else if (number == kStep) scalar.step = static_cast<std::int64_t>(value);
    else if (number == kSummary) summary = content;
  });
  whole = whole && for_each_field(summary, [&](int number, std::uint64_t, std::string_view item) {
    if (number != kValue) return;
    whole = whole && for_each_field(item, [&](int inner, std::uint64_t, std::string_view content) {
      if (inner == kTag) scalar.tag = std::string(content);
      else if (inner == kSimpleValue && content.size() == 4) scalar.value = from_little_endian<float>(content);
    });
    out.push_back(scalar);
  });
  return whole;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      entries[i] = i;
      for (int bit = 0; bit < 8; ++bit) entries[i] = (entries[i] >> 1) ^ ((entries[i] & 1) != 0 ? 0x82f63b78U : 0U);
    }
    return entries;
  }();
  std::uint32_t crc = ~0U;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string encode_event_heading(double wall_time) {
  return record(field(kWallTime, kFixed64, little_endian(wall_time)) + field(kFileVersion, kBytes, "brain.Event:2"));
}

std::string encode_event(const EventScalar& scalar) {
  const std::string value = field(kTag, kBytes, scalar.tag) + field(kSimpleValue, kFixed32, little_endian(scalar.value));
  return record(field(kWallTime, kFixed64, little_endian(scalar.wall_time)) +
                field(kStep, kVarint, varint(static_cast<std::uint64_t>(scalar.step))) +
                field(kSummary, kBytes, field(kValue, kBytes, value)));
}

std::vector<EventScalar> decode_events(std::string_view bytes, std::string* fault) {
  constexpr std::size_t kHead = 12, kFoot = 4;
  std::vector<EventScalar> scalars;
  const auto has_checksum = [](std::string_view of, std::string_view checksum) {
    return from_little_endian<std::uint32_t>(checksum) == masked(crc32c(of));
  };
  const auto broken = [&](std::size_t at) {
    *fault = "a damaged record at byte " + std::to_string(at);
    return scalars;
  };
  for (std::size_t at = 0; bytes.size() - at >= kHead;) {
    const std::string_view length_field = bytes.substr(at, 8);
    const auto length = from_little_endian<std::uint64_t>(length_field);
    if (!has_checksum(length_field, bytes.substr(at + 8, 4))) return broken(at);
    if (length > bytes.size() - at - kHead || bytes.size() - at - kHead - length < kFoot) break;
    const std::string_view data = bytes.substr(at + kHead, length);
    if (!has_checksum(data, bytes.substr(at + kHead + length, 4)) || !decode_event(data, scalars)) return broken(at);
    at += kHead + length + kFoot;
  }
  return scalars;
}

}  // namespace fmpn::train
