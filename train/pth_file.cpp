#include "pth_file.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>

#include <zip.h>

#include <fmpn/error.h>

#include "pickle.h"

namespace fmpn::train {
namespace {

using Kind = PickleValue::Kind;
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // of the format before 1.6
constexpr std::uint64_t kMaxPickle = 64'000'000;

[[noreturn]] void bad(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kBadFormat, path + ": not a file of weights that can be read: " + what);
}

std::uint64_t item_size(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  return dtype == "F16" || dtype == "BF16" || dtype == "I16" ? 2 : 1;
}

/// Number of elements, with every product checked; `limit` is what the file could hold.
std::uint64_t elements_of(const std::string& path, const std::string& key, const PickleValue& tensor, std::uint64_t limit) {
  std::uint64_t count = 1, last = static_cast<std::uint64_t>(tensor.offset);
  for (const auto side : tensor.shape)
    if (side == 0) return 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto side = static_cast<std::uint64_t>(tensor.shape[i]), stride = static_cast<std::uint64_t>(tensor.strides[i]);
    if (side > limit / count) bad(path, "tensor '" + key + "' is larger than the file");
    count *= side;
    if (side > 1 && stride > limit / (side - 1)) bad(path, "tensor '" + key + "' reaches beyond its storage");
    last += (side - 1) * stride;  // at most 16 terms, each at most the file's size
  }
  if (last >= static_cast<std::uint64_t>(tensor.storage->elements)) bad(path, "tensor '" + key + "' reaches beyond its storage");
  return count;
}

/// Row-major copy of a strided window; elements_of() has checked that it lies within `storage`.
std::vector<std::uint8_t> gather(const PickleValue& tensor, std::uint64_t count, std::string_view storage) {
  const std::uint64_t item = item_size(tensor.dtype);
  std::vector<std::uint8_t> bytes(count * item);
  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  std::int64_t at = tensor.offset;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::memcpy(bytes.data() + i * item, storage.data() + static_cast<std::uint64_t>(at) * item, item);
    for (std::size_t d = index.size(); d-- > 0;) {
      at += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) break;
      at -= tensor.strides[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
  return bytes;
}

bool holds_tensors(const PickleValue& dict) {
  for (const auto& [key, value] : dict.entries)
    if (value->kind == Kind::kTensor) return true;
  return false;
}

/// The state dict itself, or the one inside a training checkpoint.
const PickleValue& state_dict_of(const std::string& path, const PickleValue& root) {
  if (root.kind != Kind::kDict) bad(path, "it holds no state dict");
  if (holds_tensors(root)) return root;
  const PickleValue* found = nullptr;
  for (const auto& [key, value] : root.entries) {
    if (value->kind != Kind::kDict || !holds_tensors(*value)) continue;
    if (found != nullptr) bad(path, "it holds several state dicts; save the one that is meant alone");
    found = value;
  }
  if (found == nullptr) bad(path, "it holds no tensor");
  return *found;
}

/// Gathers the tensors of a state dict. `read(storage)` gives the bytes of a storage, checked to be its length.
template <typename Read>
SafeTensors collect(const std::string& path, std::uint64_t file_size, const PickleValue& root, const Read& read) {
  SafeTensors content;
  std::uint64_t total = 0;
  for (const auto& [name, value] : state_dict_of(path, root).entries) {
    if (value->kind != Kind::kTensor) continue;
    if (name->kind != Kind::kString) bad(path, "a tensor without a name");
    const std::string key = name->text.rfind("module.", 0) == 0 ? name->text.substr(7) : name->text;
    const std::uint64_t count = elements_of(path, key, *value, file_size);
    total += count * item_size(value->dtype);
    if (total > file_size) bad(path, "its tensors claim more bytes than it has");
    StoredTensor stored{value->dtype, value->shape, {}};
    if (count > 0) stored.bytes = gather(*value, count, read(*value->storage));
    if (!content.tensors.emplace(key, std::move(stored)).second) bad(path, "two tensors have the name '" + key + "'");
  }
  return content;
}

/// A zip archive as PyTorch writes it: <name>/data.pkl and <name>/data/<key>, all stored uncompressed.
class Archive {
 public:
  Archive(std::string path, std::uint64_t file_size) : path_(std::move(path)), file_size_(file_size) {
    int code = 0;
    archive_.reset(zip_open(path_.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string text = zip_error_strerror(&error);
      zip_error_fini(&error);
      bad(path_, "its zip archive is damaged (" + text + ")");
    }
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      const std::string text = name != nullptr ? name : "";
      const auto slash = text.rfind("/data.pkl");
      if (slash == std::string::npos || slash + 9 != text.size()) continue;
      if (!folder_.empty()) bad(path_, "it holds two data.pkl");
      folder_ = text.substr(0, slash + 1);
    }
    if (folder_.empty()) bad(path_, "a zip archive without data.pkl");
    if (has("byteorder") && read("byteorder", 16) != "little") bad(path_, "its numbers are big-endian");
  }

  bool has(const std::string& name) const { return zip_name_locate(archive_.get(), (folder_ + name).c_str(), 0) >= 0; }

  /// Its checksum is verified by libzip as the last byte is read.
  std::string read(const std::string& name, std::uint64_t limit) {
    zip_stat_t about;
    if (zip_stat(archive_.get(), (folder_ + name).c_str(), 0, &about) != 0) bad(path_, "'" + name + "' is missing in it");
    if ((about.valid & ZIP_STAT_SIZE) == 0 || (about.valid & ZIP_STAT_COMP_METHOD) == 0 || about.comp_method != ZIP_CM_STORE)
      bad(path_, "'" + name + "' in it is compressed, which PyTorch does not do");
    if (about.size > limit || about.size > file_size_ - read_) bad(path_, "'" + name + "' in it claims more bytes than there are");
    std::string bytes(about.size, '\0');
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive_.get(), (folder_ + name).c_str(), 0), zip_fclose);
    char beyond = 0;
    if (file == nullptr || zip_fread(file.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()) ||
        zip_fread(file.get(), &beyond, 1) != 0)
      bad(path_, "'" + name + "' in it is damaged");
    read_ += about.size;
    return bytes;
  }

 private:
  std::string path_, folder_;
  std::uint64_t file_size_, read_ = 0;
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_{nullptr, zip_discard};
};

SafeTensors read_zip(const std::string& path, std::uint64_t file_size) {
  Archive archive(path, file_size);
  const std::string pickle = archive.read("data.pkl", kMaxPickle);
  PickleReader reader(path, pickle);
  const PickleValue* root = reader.next();
  std::map<std::string, std::string> storages;
  return collect(path, file_size, *root, [&](const PickleValue& storage) -> std::string_view {
    auto found = storages.find(storage.key);
    if (found == storages.end()) found = storages.emplace(storage.key, archive.read("data/" + storage.key, file_size)).first;
    if (static_cast<std::uint64_t>(storage.elements) > found->second.size() / item_size(storage.dtype))
      bad(path, "storage '" + storage.key + "' is shorter than its tensors need");
    return found->second;
  });
}

/// Pickles of the magic number, the version, the writer's machine, the object and the storages' keys; then each storage:
/// its number of elements in 8 bytes, and they.
SafeTensors read_legacy(const std::string& path, const std::string& bytes) {
  PickleReader reader(path, bytes);
  const PickleValue* magic = reader.next();
  if (magic->kind != Kind::kInt || magic->text != kMagic) bad(path, "a pickle that PyTorch did not write");
  const PickleValue* version = reader.next();
  if (version->kind != Kind::kInt || version->integer != 1001) bad(path, "another version of PyTorch's old format than 1001");
  const PickleValue* machine = reader.next();
  for (const auto& [key, value] : machine->entries)
    if (key->text == "little_endian" && value->integer == 0) bad(path, "its numbers are big-endian");
  const PickleValue* root = reader.next();
  state_dict_of(path, *root);  // before anything else, so that another object is called what it is
  const PickleValue* keys = reader.next();
  if (keys->kind != Kind::kList) bad(path, "the list of its storages is missing");
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> begins;  // key → first byte, number of elements
  const auto types = reader.storage_types();
  std::size_t at = reader.position();
  for (const PickleValue* key : keys->items) {
    const auto type = types.find(key->text);
    if (type == types.end()) bad(path, "storage '" + key->text + "' belongs to no tensor");
    const std::uint64_t item = item_size(type->second);
    std::uint64_t elements = 0;
    if (bytes.size() - at < 8) bad(path, "it ends before storage '" + key->text + "'");
    for (int i = 7; i >= 0; --i) elements = elements << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    at += 8;
    if (elements > (bytes.size() - at) / item) bad(path, "it ends within storage '" + key->text + "'");
    begins[key->text] = {at, elements};
    at += elements * item;
  }
  return collect(path, bytes.size(), *root, [&](const PickleValue& storage) {
    const auto found = begins.find(storage.key);
    if (found == begins.end() || static_cast<std::uint64_t>(storage.elements) > found->second.second)
      bad(path, "storage '" + storage.key + "' is missing or shorter than its tensors need");
    return std::string_view(bytes).substr(found->second.first, found->second.second * item_size(storage.dtype));
  });
}

std::string first_bytes(const std::string& path, std::uint64_t* size) {
  std::error_code fault;
  if (!std::filesystem::is_regular_file(path, fault)) throw Error(ErrorCode::kNotFound, path + ": no such file");
  *size = std::filesystem::file_size(path, fault);
  std::ifstream file(path, std::ios::binary);
  if (fault || !file) throw Error(ErrorCode::kNotFound, path + ": cannot be opened");
  std::string bytes(4, '\0');
  file.read(bytes.data(), 4);
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

SafeTensors read_pth(const std::string& path) {
  std::uint64_t size = 0;
  const std::string start = first_bytes(path, &size);
  if (start == "PK\x03\x04") return read_zip(path, size);
  if (start.empty() || start[0] != '\x80') bad(path, "neither a zip archive nor a pickle");
  std::string bytes(size, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) bad(path, "it cannot be read to its end");
  return read_legacy(path, bytes);
}

SafeTensors read_weights(const std::string& path) {
  std::uint64_t size = 0;
  const std::string start = first_bytes(path, &size);
  if (start == "PK\x03\x04" || (!start.empty() && start[0] == '\x80' && start.substr(0, 2) == "\x80\x02")) return read_pth(path);
  SafeTensors content = read_safetensors(path);
  std::map<std::string, StoredTensor> bare;
  for (auto& [key, tensor] : content.tensors) bare[key.rfind("module.", 0) == 0 ? key.substr(7) : key] = std::move(tensor);
  content.tensors = std::move(bare);
  return content;
}

}  // namespace fmpn::train
