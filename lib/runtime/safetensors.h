#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace fmpn {

/// One tensor of a safetensors file; `bytes` are little-endian, row-major.
struct StoredTensor {
  std::string dtype;  ///< F32, F16, BF16, I64, U8 …
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;
};

/// Bytes that the type and the shape ask for.
std::size_t byte_count(const StoredTensor& tensor);

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

/// A file whose tensors are read one at a time. Every length is checked against the file's size before anything is allocated.
class SafeTensorsFile {
 public:
  /// Throws kNotFound, kBadFormat (names file and key).
  explicit SafeTensorsFile(const std::string& path);
  const std::map<std::string, std::string>& metadata() const { return content_.metadata; }
  /// Types and shapes; the bytes are left in the file.
  const std::map<std::string, StoredTensor>& tensors() const { return content_.tensors; }
  /// Reads the tensor's bytes to `to`. Throws kBadFormat where the file ends before they do.
  void read(const std::string& key, void* to);

 private:
  friend SafeTensors read_safetensors(const std::string& path);
  std::string path_;
  std::ifstream file_;
  SafeTensors content_;
  std::map<std::string, std::uint64_t> positions_;  ///< of the tensors' first bytes in the file
};

/// Reads a whole file. Every length is checked against the file's size before anything is allocated.
/// Throws kNotFound, kBadFormat (names file and key).
SafeTensors read_safetensors(const std::string& path);
SafeTensors parse_safetensors(const std::string& name, const std::uint8_t* data, std::size_t size);
/// The metadata alone, without reading the tensors.
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);

/// Writes to a temporary file beside `path`, then renames. Throws kIo.
/// The header is UTF-8: other bytes, which a folder that a model came from may have in its name, become U+FFFD.
void write_safetensors(const std::string& path, const SafeTensors& content);

}  // namespace fmpn
