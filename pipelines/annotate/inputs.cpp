#include "inputs.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string_view>

#include <glib.h>
#include <opencv2/imgcodecs.hpp>

#include <fmpn/error.h>

#include "files/picture_suffixes.h"
#include "fingerprint.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 24> kVideoSuffixes{".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg",
                                                          ".m2v", ".vob",  ".ts",  ".m2ts", ".mts", ".wmv", ".asf", ".flv",
                                                          ".ogv", ".ogg",  ".3gp", ".3g2", ".mxf",  ".dv",  ".mjpg", ".mjpeg"};

std::string lower_suffix(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return suffix;
}

bool has_media_suffix(const fs::path& path) {
  const std::string suffix = lower_suffix(path);
  const auto is_in = [&](const auto& suffixes) { return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end(); };
  return is_in(kVideoSuffixes) || is_in(kPictureSuffixes);
}

/// Motion JPEG: one picture behind the other, which looks like a picture from its beginning.
bool is_motion_jpeg(const fs::path& path) {
  const std::string suffix = lower_suffix(path);
  return suffix == ".mjpg" || suffix == ".mjpeg";
}

/// GStreamer's GIF decoder (1.22) never comes to the end of one.
bool is_gif(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> start{};
  return file.read(start.data(), start.size()) && std::string_view(start.data(), start.size()) == "GIF8";
}
constexpr const char* kGifProblem = "a GIF, which is not read: convert it first, for example with `ffmpeg -i IN.gif OUT.mp4`";

std::string uri_of(const fs::path& path) {
  gchar* uri = g_filename_to_uri(path.c_str(), nullptr, nullptr);
  const std::string text = uri != nullptr ? uri : "";
  g_free(uri);
  return text;
}

/// A relative path as a name: valid UTF-8, nothing that a terminal or a file system takes amiss, never outside its folder.
std::string safe_name(const std::string& path) {
  std::string name;
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    const std::string piece = part.string();
    if (piece.empty() || piece == "." || piece == ".." || piece == "/") continue;
    name += name.empty() ? "" : "/";
    const bool valid = g_utf8_validate(piece.c_str(), static_cast<gssize>(piece.size()), nullptr);
    for (const char c : piece) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f || (!valid && byte >= 0x80)) {
        gchar* code = g_strdup_printf("%%%02X", byte);
        name += code;
        g_free(code);
      } else {
        name += c;
      }
    }
  }
  return name.empty() ? "input" : name;
}

class Collector {
 public:
  explicit Collector(const fs::path& output) : output_(fs::weakly_canonical(output)) {}

  void add(const std::string& argument) {
    std::error_code fault;
    if (g_uri_is_valid(argument.c_str(), G_URI_FLAGS_NONE, nullptr) && argument.find("://") != std::string::npos) return add_uri(argument);
    const fs::file_status status = fs::status(argument, fault);
    if (fs::is_directory(status)) return add_folder(argument);
    if (fs::exists(status)) return add_file(argument, fs::path(argument).filename().string());
    if (argument.find_first_of("*?[{") != std::string::npos) return add_glob(argument);
    fail(argument, fault && fault != std::errc::no_such_file_or_directory ? fault.message() : "no such file");
  }

  std::vector<Input> take() { return std::move(inputs_); }

 private:
  void fail(const std::string& source, const std::string& problem) {
    Input input;
    input.source = source;
    input.name = safe_name(fs::path(source).relative_path().string());
    input.problem = problem;
    inputs_.push_back(std::move(input));
  }

  void add_uri(const std::string& uri) {
    if (gchar* file = g_filename_from_uri(uri.c_str(), nullptr, nullptr)) {
      const std::string path = file;
      g_free(file);
      if (!fs::exists(path)) return fail(uri, "no such file");
      return add_file(path, fs::path(path).filename().string());
    }
    if (!seen_.insert(uri).second) return;
    Input input;
    input.source = input.uri = uri;
    gchar* path = nullptr;
    g_uri_split(uri.c_str(), G_URI_FLAGS_NONE, nullptr, nullptr, nullptr, nullptr, &path, nullptr, nullptr, nullptr);
    input.name = safe_name(path != nullptr ? fs::path(path).filename().string() : uri);
    if (path != nullptr && lower_suffix(path) == ".gif") input.problem = kGifProblem;
    g_free(path);
    inputs_.push_back(std::move(input));
  }

  /// `name` is the path from the folder that was given on.
  void add_file(const fs::path& path, const std::string& name) {
    const fs::path whole = fs::weakly_canonical(path);
    if (!seen_.insert(whole.string()).second) return;
    Input input;
    input.source = path.string();
    input.path = whole.string();
    input.uri = uri_of(whole);
    input.name = safe_name(name);
    // Only a regular file is looked into: a pipe's first bytes would be gone.
    if (fs::is_regular_file(whole) && is_gif(whole)) input.problem = kGifProblem;
    input.image = !is_motion_jpeg(whole) && cv::haveImageReader(input.path);
    inputs_.push_back(std::move(input));
  }

  void add_folder(const fs::path& folder) {
    if (fs::weakly_canonical(folder) == output_) return fail(folder.string(), "it is the output folder: results are no inputs");
    std::vector<fs::path> files;
    if (!list(folder, &files)) return;
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) add_file(file, file.lexically_relative(folder).string());
    if (files.empty()) fail(folder.string(), "a folder without a video or a picture");
  }

  /// False where the folder itself cannot be read, which is noted.
  bool list(const fs::path& folder, std::vector<fs::path>* files) {
    std::error_code fault;
    if (fs::weakly_canonical(folder) == output_) return true;
    fs::directory_iterator at(folder, fault);
    if (fault) {
      fail(folder.string(), "the folder cannot be read: " + fault.message());
      return false;
    }
    for (; !fault && at != fs::directory_iterator(); at.increment(fault)) {
      std::error_code ignored;
      if (at->is_directory(ignored)) {
        // A link to a folder above would never end.
        if (!at->is_symlink(ignored)) list(at->path(), files);
      } else if (has_media_suffix(at->path())) {
        files->push_back(at->path());
      }
    }
    if (fault) fail(folder.string(), "the folder cannot be read to its end: " + fault.message());
    return true;
  }

  void add_glob(const std::string& pattern) {
    glob_t found{};
    const int status = glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &found);
    const std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
    globfree(&found);
    for (const std::string& path : paths) {
      if (fs::is_directory(path)) add_folder(path);
      else add_file(path, fs::path(path).filename().string());
    }
    if (paths.empty()) fail(pattern, "no file matches");
  }

  fs::path output_;
  std::set<std::string> seen_;
  std::vector<Input> inputs_;
};

bool is_reserved(const std::string& name) {
  const std::string first = name.substr(0, name.find('/'));
  return first == "summary.json" || first == "report.html" || first.rfind("manifest", 0) == 0 || fs::path(name).extension() == ".partial";
}

}  // namespace

std::vector<Input> collect_inputs(const std::vector<std::string>& arguments, const std::string& output, std::istream& list) {
  Collector collector(output);
  for (const std::string& argument : arguments) {
    if (argument != "-") {
      collector.add(argument);
      continue;
    }
    std::size_t named = 0;
    for (std::string line; std::getline(list, line);)
      if (!line.empty()) collector.add(line), ++named;
    if (named == 0) throw Error(ErrorCode::kBadSetting, "-: the list on standard input names no input");
  }
  std::vector<Input> inputs = collector.take();
  name_inputs(inputs);
  return inputs;
}

void name_inputs(std::vector<Input>& inputs) {
  std::vector<std::string> names(inputs.size());
  std::vector<int> level(inputs.size(), 0);
  const auto name_at = [](const Input& input, int step) {
    if (step == 0) return fs::path(input.name).replace_extension().string();
    if (step == 1) return input.name;
    return input.name + "-" + sha256_of_text(input.path.empty() ? input.source : input.path).substr(0, 8);
  };
  for (bool settled = false; !settled;) {
    settled = true;
    std::map<std::string, std::vector<std::size_t>> owners;
    for (std::size_t i = 0; i < inputs.size(); ++i) owners[names[i] = name_at(inputs[i], level[i])].push_back(i);
    std::set<std::string> taken;
    for (const auto& [name, all] : owners) {
      if (all.size() > 1 || is_reserved(name)) taken.insert(name);
      for (fs::path above = fs::path(name).parent_path(); !above.empty(); above = above.parent_path())
        if (owners.count(above.string()) != 0) taken.insert(above.string());
    }
    for (const std::string& name : taken)
      for (const std::size_t i : owners[name])
        if (level[i] < 2) ++level[i], settled = false;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].name = names[i];
}

}  // namespace fmpn::annotate
