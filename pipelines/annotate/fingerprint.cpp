#include "fingerprint.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <glib.h>
#include <sys/stat.h>

#include <fmpn/error.h>

namespace fmpn::annotate {
namespace {

struct FreeChecksum {
  void operator()(GChecksum* sum) const { g_checksum_free(sum); }
};
using Checksum = std::unique_ptr<GChecksum, FreeChecksum>;

}  // namespace

std::string sha256_of_text(const std::string& text) {
  const Checksum sum(g_checksum_new(G_CHECKSUM_SHA256));
  g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(text.data()), static_cast<gssize>(text.size()));
  return g_checksum_get_string(sum.get());
}

std::string sha256_of_file(const std::string& path, const std::atomic<bool>& stop) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": " + std::strerror(errno));
  const Checksum sum(g_checksum_new(G_CHECKSUM_SHA256));
  std::vector<guchar> block(1 << 20);
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), file.get())) {
    if (stop) throw Error(ErrorCode::kRuntime, path + ": interrupted");
    g_checksum_update(sum.get(), block.data(), static_cast<gssize>(n));
  }
  if (std::ferror(file.get()) != 0) throw Error(ErrorCode::kIo, path + ": " + std::strerror(errno));
  return g_checksum_get_string(sum.get());
}

Fingerprint fingerprint_of(const std::string& path, const Fingerprint& known, const std::atomic<bool>& stop) {
  if (path.empty()) return {};
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) throw Error(ErrorCode::kNotFound, path + ": " + std::strerror(errno));
  Fingerprint print;
  print.size = static_cast<std::uint64_t>(status.st_size);
  print.modified = static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000000000 + status.st_mtim.tv_nsec;
  const bool same = !known.sha256.empty() && print.size == known.size && print.modified == known.modified;
  print.sha256 = same ? known.sha256 : sha256_of_file(path, stop);
  return print;
}

}  // namespace fmpn::annotate
