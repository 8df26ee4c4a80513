#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace fmpn::annotate {

/// In lower-case hexadecimal digits.
std::string sha256_of_text(const std::string& text);

/// Of a whole file. Throws kNotFound or kIo; kRuntime where `stop` became true under way.
std::string sha256_of_file(const std::string& path, const std::atomic<bool>& stop);

/// What a file was when it was annotated.
struct Fingerprint {
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds
  std::string sha256;         ///< empty: no file (a URI)

  bool operator==(const Fingerprint& other) const { return size == other.size && sha256 == other.sha256; }
};

/// Reads the file, unless its size and time are those of `known`, whose hash is then taken over. An empty `path` has an
/// empty fingerprint.
Fingerprint fingerprint_of(const std::string& path, const Fingerprint& known, const std::atomic<bool>& stop);

}  // namespace fmpn::annotate
