// MMI: videos under Sessions/<n>/ with their XML, or frames already extracted under the names of the published lists
// (S001_100_034.png: subject, session, frame, counted from 1). MMI does not say where a sequence peaks: a table does.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <regex>
#include <system_error>

#include <opencv2/videoio.hpp>
#include <pugixml.hpp>

#include <fmpn/error.h>
#include <fmpn/labels.h>

#include "core/cv_view.h"
#include "csv.h"
#include "folds.h"
#include "picture_list.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

// The published label file counts from 0; the session XML counts the same six from 1, and goes on with states that are
// none of them (scream, bored, sleepy).
constexpr std::array<const char*, 6> kLabels{"anger", "disgust", "fear", "happiness", "sadness", "surprise"};

struct Sequence {
  std::map<long, std::string> frames;  // by number
  std::string video, label;
};

/// What a tree holds, by sequence name (S001_100).
struct Tree {
  std::map<std::string, Sequence> sequences;
  std::vector<SkippedSource> broken;
};

/// A frame's number; none for one that no video reaches.
std::optional<long> frame_number(const std::string& digits) {
  int number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return fault == std::errc() && end == digits.data() + digits.size() ? std::optional<long>(number) : std::nullopt;
}

std::string label_by_number(long number) {
  return number >= 0 && number < static_cast<long>(kLabels.size()) ? kLabels[static_cast<std::size_t>(number)] : "";
}

/// The expression that a session's XML names: <Metatag Name="Emotion" Value="1"/>, in any case and at any depth. Empty: none.
std::string label_in_xml(const pugi::xml_document& xml) {
  std::string label;
  const auto is = [](const char* text, const char* wanted) { return strcasecmp(text, wanted) == 0; };
  const auto node = xml.find_node([&](const pugi::xml_node& n) {
    return std::any_of(n.attributes_begin(), n.attributes_end(),
                       [&](const pugi::xml_attribute& a) { return is(a.name(), "name") && is(a.value(), "emotion"); });
  });
  for (const pugi::xml_attribute& a : node.attributes())
    if (is(a.name(), "value")) label = a.value();
  if (const auto name = canonical_expression(label)) return std::string(*name);
  return label_by_number(std::atol(label.c_str()) - 1);
}

Tree scan(const std::string& root) {
  static const std::regex picture(R"((S\d+)[-_](\d+)[-_](\d+))"), video(R"((S\d+)[-_](\d+)\.(avi|mpg|mpeg|mp4|mov))", std::regex::icase);
  Tree tree;
  std::map<fs::path, std::vector<std::string>> sequences_in;  // folder → sequences, for the session's XML
  std::vector<fs::path> descriptions;
  std::vector<fs::path> paths;  // in an order that is every file system's
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const std::string name = path.filename().string(), stem = path.stem().string();
    std::smatch match;
    if (is_picture(name) && std::regex_match(stem, match, picture)) {
      const auto number = frame_number(match[3].str());
      if (!number) {
        tree.broken.push_back({path.string(), "no frame has such a number"});
        continue;
      }
      const std::string sequence = match[1].str() + '_' + match[2].str();
      const auto [frame, is_new] = tree.sequences[sequence].frames.emplace(*number, path.string());
      if (!is_new) tree.broken.push_back({path.string(), "the frame is there already: " + frame->second});
      sequences_in[path.parent_path()].push_back(sequence);
    } else if (std::regex_match(name, match, video)) {
      const std::string sequence = match[1].str() + '_' + match[2].str();
      std::string& film = tree.sequences[sequence].video;
      if (film.empty()) film = path.string();
      else tree.broken.push_back({path.string(), "the sequence has a film already: " + film});
      sequences_in[path.parent_path()].push_back(sequence);
    } else if (strcasecmp(path.extension().c_str(), ".xml") == 0) {
      descriptions.push_back(path);
    }
  }
  for (const fs::path& path : descriptions) {
    pugi::xml_document xml;
    if (const auto outcome = xml.load_file(path.c_str()); !outcome) {
      tree.broken.push_back({path.string(), std::string("not readable XML: ") + outcome.description()});
      continue;
    }
    const std::string label = label_in_xml(xml);
    if (label.empty()) continue;
    for (const std::string& sequence : sequences_in[path.parent_path()]) tree.sequences[sequence].label = label;
  }
  return tree;
}

Image read_video_frame(const std::string& path, long number) {
  cv::VideoCapture video(path);
  if (!video.isOpened()) throw Error(ErrorCode::kBadFormat, path + ": not a readable video");
  cv::Mat bgr;
  for (long i = 0; i < number; ++i)
    if (!video.grab()) throw Error(ErrorCode::kBadFormat, path + ": has no frame " + std::to_string(number));
  if (!video.retrieve(bgr) || bgr.empty())
    throw Error(ErrorCode::kBadFormat, path + ": frame " + std::to_string(number) + " cannot be decoded");
  cv::cvtColor(bgr, bgr, cv::COLOR_BGR2RGB);
  return to_image(bgr);
}

std::string label_in_table(const CsvTable& table, std::size_t row, const Sequence& sequence) {
  const std::string text = table.get(row, "label");
  if (text.empty()) return sequence.label;
  if (const auto name = canonical_expression(text)) return std::string(*name);
  const std::string label = label_by_number(table.whole_number(row, "label"));
  if (label.empty()) throw Error(ErrorCode::kBadFormat, table.place(row) + ": the label " + text + " is none of 0…5");
  return label;
}

std::string padded(long number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

/// One row of the table: the frames around the peak, and the sequence's first.
void add_row(PictureList& list, const std::string& name, Sequence& sequence, const std::string& label, long peak,
             const ListOptions& options) {
  if (label.empty()) return list.skipped.push_back({name, "neither the table nor its XML gives a label"});
  const long first_peak = peak - (options.peak_frames - 1) / 2;
  const long neutral = sequence.frames.empty() ? 1 : sequence.frames.begin()->first;
  ManifestRow pattern;
  pattern.label = label, pattern.subject = name.substr(0, name.find('_')), pattern.sequence = name.substr(name.find('_') + 1);
  std::vector<SequenceFrame> frames;
  std::vector<std::size_t> chosen;
  for (long n = neutral; n <= first_peak + options.peak_frames - 1; n = std::max(n + 1, first_peak)) {
    const std::string number = padded(n);
    std::string source = sequence.video + "#" + std::to_string(n);
    if (!sequence.frames.empty()) {
      const auto found = sequence.frames.find(n);
      if (found == sequence.frames.end()) return list.skipped.push_back({name, "frame " + std::to_string(n) + " of its peak is missing"});
      source = found->second;
    }
    if (n != neutral) chosen.push_back(frames.size());
    frames.push_back({source, (fs::path("crops") / pattern.subject / (name + "_" + number + ".png")).string(), number});
  }
  if (chosen.size() < static_cast<std::size_t>(options.peak_frames))
    return list.skipped.push_back({name, "its peak lies at its first, neutral frame"});
  add_sequence(list, pattern, frames, chosen, options.with_neutral);
}

}  // namespace

PictureList list_mmi(const std::string& root, const ListOptions& options) {
  if (!fs::is_directory(root)) throw Error(ErrorCode::kNotFound, root + ": no such folder");
  Tree tree = scan(root);
  if (tree.sequences.empty()) throw Error(ErrorCode::kBadFormat, root + ": no sequence of MMI in it (S001-100.avi, or S001_100_034.png)");
  const std::string path = options.table.empty() ? (fs::path(root) / "mmi.csv").string() : options.table;
  if (!fs::exists(path))
    throw Error(ErrorCode::kNotFound, path +
                                          ": no such table of peak frames; MMI needs one with the columns sequence, peak and (else the "
                                          "session's XML says it) label (--table FILE)");
  const CsvTable table(path, {"sequence", "peak"});
  PictureList list;
  list.needs_folds = true;
  list.skipped = tree.broken;
  list.read = [](const ManifestRow& row) {
    const std::size_t hash = row.source.rfind('#');
    const auto number = hash == std::string::npos ? std::nullopt : frame_number(row.source.substr(hash + 1));
    return number ? read_video_frame(row.source.substr(0, hash), *number) : read_image(row.source);
  };
  std::map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::string name = table.get(i, "sequence");
    std::replace(name.begin(), name.end(), '-', '_');
    if (!rows.emplace(name, i).second)
      throw Error(ErrorCode::kBadFormat, table.place(i) + ": the sequence " + name + " stands there twice");
    if (tree.sequences.count(name) == 0) list.skipped.push_back({name, "in the table, but not in " + root});
  }
  for (auto& [name, sequence] : tree.sequences) {
    const auto row = rows.find(name);
    if (row != rows.end())
      add_row(list, name, sequence, label_in_table(table, row->second, sequence), table.whole_number(row->second, "peak"), options);
    else if (!sequence.label.empty()) list.skipped.push_back({name, "shows " + sequence.label + ", but the table has no peak for it"});
  }
  if (list.rows.empty()) throw Error(ErrorCode::kBadFormat, root + ": not one sequence of the table " + path);
  return list;
}

}  // namespace fmpn::train
