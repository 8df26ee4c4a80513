#include "runtime/safetensors.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include <fmpn/error.h>

#include "files/json_text.h"
#include "files/whole_file.h"

namespace fmpn {
namespace {

using nlohmann::json;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit

[[noreturn]] void bad(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kBadFormat, name + ": not a valid safetensors file: " + what);
}

std::size_t item_size(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

std::uint64_t header_length(const std::string& name, const std::uint8_t* data, std::uint64_t file_size) {
  if (file_size < 8) bad(name, "shorter than its 8-byte length field");
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | data[i];
  if (length > kMaxHeader || length > file_size - 8)
    bad(name, "the header claims " + std::to_string(length) + " bytes, the file has " + std::to_string(file_size - 8));
  return length;
}

/// Throws for a key that an object has twice: which of the two counts would depend on the reader.
json parse_header(const std::string& name, const char* text, std::uint64_t length) {
  std::vector<std::set<std::string>> keys;  // of the objects around
  const auto once = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      bad(name, "the header has the key '" + parsed.get<std::string>() + "' twice");
    return true;
  };
  json header = json::parse(text, text + length, once, /*allow_exceptions=*/false);
  if (!header.is_object()) bad(name, "the header is not a JSON object");
  return header;
}

std::map<std::string, std::string> metadata_of(const std::string& name, const json& header) {
  std::map<std::string, std::string> metadata;
  const auto entry = header.find("__metadata__");
  if (entry == header.end()) return metadata;
  if (!entry->is_object()) bad(name, "__metadata__ is not an object");
  for (const auto& [key, value] : entry->items()) {
    if (!value.is_string()) bad(name, "__metadata__." + key + " is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

/// A tensor without its bytes, and where in the body those are.
struct Entry {
  StoredTensor tensor;
  std::uint64_t first = 0, last = 0;
};

Entry entry_of(const std::string& name, const std::string& key, const json& entry, std::uint64_t body_size) {
  const auto fail = [&](const std::string& what) { bad(name, "tensor '" + key + "' " + what); };
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
      !entry["shape"].is_array() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2)
    fail("lacks dtype, shape or data_offsets");
  StoredTensor tensor;
  tensor.dtype = entry["dtype"].get<std::string>();
  const std::size_t item = item_size(tensor.dtype);
  if (item == 0) fail("has the unknown type " + tensor.dtype);
  std::uint64_t bytes = item;
  for (const json& side : entry["shape"]) {
    if (!side.is_number_unsigned()) fail("has a side that is not a number ≥ 0");
    const auto n = side.get<std::uint64_t>();
    if (n != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / n) fail("is larger than any file");
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) fail("is larger than any file");
    bytes *= n;
    tensor.shape.push_back(static_cast<std::int64_t>(n));
  }
  const json& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) fail("has offsets that are not numbers");
  const auto first = offsets[0].get<std::uint64_t>();
  const auto last = offsets[1].get<std::uint64_t>();
  if (first > last || last > body_size) fail("reaches beyond the end of the file (truncated?)");
  if (last - first != bytes) fail("has " + std::to_string(last - first) + " bytes, its shape needs " + std::to_string(bytes));
  return {std::move(tensor), first, last};
}

/// The format wants the tensors to fill the body in some order without overlap or gap.
void check_layout(const std::string& name, const json& header, std::uint64_t body_size) {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::string>> parts;
  for (const auto& [key, entry] : header.items())
    if (key != "__metadata__")
      parts.emplace_back(entry["data_offsets"][0].get<std::uint64_t>(), entry["data_offsets"][1].get<std::uint64_t>(), key);
  std::sort(parts.begin(), parts.end());
  std::uint64_t end = 0;
  for (const auto& [first, last, key] : parts) {
    if (first != end) bad(name, "tensor '" + key + (first < end ? "' overlaps another" : "' follows bytes that belong to none"));
    end = last;
  }
  if (end != body_size) bad(name, "the body has " + std::to_string(body_size) + " bytes, its tensors have " + std::to_string(end));
}

std::ifstream open(const std::string& path, std::uint64_t* size) {
  require_file(path);
  std::error_code fault;
  *size = std::filesystem::file_size(path, fault);
  std::ifstream file(path, std::ios::binary);
  if (fault || !file) throw Error(ErrorCode::kNotFound, path + ": cannot be opened");
  return file;
}

/// Leaves `file` where the body begins.
json read_header(const std::string& path, std::ifstream& file, std::uint64_t size) {
  std::uint8_t field[8] = {};
  file.read(reinterpret_cast<char*>(field), static_cast<std::streamsize>(std::min<std::uint64_t>(8, size)));
  std::string text(header_length(path, field, size), '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) bad(path, "the header cannot be read");
  return parse_header(path, text.data(), text.size());
}

/// All that a header says, checked; the positions are those in the body.
SafeTensors content_of(const std::string& name, const json& header, std::uint64_t body_size,
                       std::map<std::string, std::uint64_t>* positions) {
  SafeTensors content;
  content.metadata = metadata_of(name, header);
  for (const auto& [key, item] : header.items()) {
    if (key == "__metadata__") continue;
    Entry entry = entry_of(name, key, item, body_size);
    (*positions)[key] = entry.first;
    content.tensors[key] = std::move(entry.tensor);
  }
  check_layout(name, header, body_size);
  return content;
}

}  // namespace

// Of a tensor whose shape was checked: the product cannot overflow.
std::size_t byte_count(const StoredTensor& tensor) {
  std::size_t count = item_size(tensor.dtype);
  for (const std::int64_t side : tensor.shape) count *= static_cast<std::size_t>(side);
  return count;
}

SafeTensors parse_safetensors(const std::string& name, const std::uint8_t* data, std::size_t size) {
  const std::uint64_t length = header_length(name, data, size);
  const std::uint8_t* body = data + 8 + length;
  std::map<std::string, std::uint64_t> positions;
  SafeTensors content =
      content_of(name, parse_header(name, reinterpret_cast<const char*>(data) + 8, length), size - 8 - length, &positions);
  for (auto& [key, tensor] : content.tensors) tensor.bytes.assign(body + positions[key], body + positions[key] + byte_count(tensor));
  return content;
}

SafeTensorsFile::SafeTensorsFile(const std::string& path) : path_(path) {
  std::uint64_t size = 0;
  file_ = open(path, &size);
  const json header = read_header(path, file_, size);
  const auto body = static_cast<std::uint64_t>(file_.tellg());
  content_ = content_of(path, header, size - body, &positions_);
  for (auto& item : positions_) item.second += body;
}

void SafeTensorsFile::read(const std::string& key, void* to) {
  file_.seekg(static_cast<std::streamoff>(positions_.at(key)));
  if (!file_.read(static_cast<char*>(to), static_cast<std::streamsize>(byte_count(content_.tensors.at(key)))))
    throw Error(ErrorCode::kBadFormat, path_ + ": cannot be read to its end");
}

SafeTensors read_safetensors(const std::string& path) {
  SafeTensorsFile file(path);
  for (auto& [key, tensor] : file.content_.tensors) {
    tensor.bytes.resize(byte_count(tensor));
    file.read(key, tensor.bytes.data());
  }
  return std::move(file.content_);
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  std::uint64_t size = 0;
  std::ifstream file = open(path, &size);
  return metadata_of(path, read_header(path, file, size));
}

void write_safetensors(const std::string& path, const SafeTensors& content) {
  json header = json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::uint64_t offset = 0;
  for (const auto& [key, tensor] : content.tensors) {
    header[key] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = json_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start aligned
  const std::uint64_t length = text.size();
  char field[8];
  for (int i = 0; i < 8; ++i) field[i] = static_cast<char>(length >> (8 * i) & 0xff);
  WholeFile file(path);
  file.append(field, sizeof field);
  file.append(text.data(), text.size());
  for (const auto& [key, tensor] : content.tensors) file.append(tensor.bytes.data(), tensor.bytes.size());
  file.commit(false);
}

}  // namespace fmpn
