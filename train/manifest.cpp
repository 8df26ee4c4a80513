#include "manifest.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

constexpr std::array<const char*, 10> kColumns{"path", "source", "label",   "subject", "sequence",
                                               "frame", "fold",  "split",   "neutral", "aligned"};

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::vector<std::string> split_line(const std::string& line) {
  std::vector<std::string> fields(1);
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (inside && c == '"' && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
    else if (c == '"') inside = !inside;
    else if (c == ',' && !inside) fields.emplace_back();
    else fields.back() += c;
  }
  return fields;
}

std::string file_of(const std::string& folder) { return (std::filesystem::path(folder) / "manifest.csv").string(); }

}  // namespace

std::vector<ManifestRow> read_manifest(const std::string& folder) {
  const std::string path = file_of(folder);
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": no such manifest (fmpn-train prepare makes one)");
  std::string line;
  int number = 0, first_line = 0;  // lines of the file; a record with a quoted line end takes several
  const auto next = [&] {
    if (!std::getline(file, line)) return false;
    first_line = ++number;
    for (std::string more; std::count(line.begin(), line.end(), '"') % 2 != 0; ++number) {
      if (!std::getline(file, more)) throw Error(ErrorCode::kBadFormat, path + ":" + std::to_string(first_line) + ": a quote that is never closed");
      line += '\n' + more;
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  };
  std::map<std::string, std::size_t> column;
  if (next())
    for (const std::string& name : split_line(line)) column.emplace(name, column.size());
  for (const char* name : {"path", "label"})
    if (column.count(name) == 0) throw Error(ErrorCode::kBadFormat, path + ": the column '" + name + "' is missing");
  std::vector<ManifestRow> rows;
  while (next()) {
    if (line.empty()) continue;
    const auto fields = split_line(line);
    if (fields.size() != column.size())
      throw Error(ErrorCode::kBadFormat, path + ":" + std::to_string(first_line) + ": " + std::to_string(fields.size()) +
                                             " fields, the heading has " + std::to_string(column.size()));
    const auto get = [&](const char* name) {
      const auto at = column.find(name);
      return at == column.end() ? std::string() : fields[at->second];
    };
    rows.push_back({get("path"), get("source"), get("label"), get("subject"), get("sequence"), get("frame"), get("fold"),
                    get("split"), get("neutral"), get("aligned") != "0"});
  }
  return rows;
}

void write_manifest(const std::string& folder, const std::vector<ManifestRow>& rows) {
  const std::string path = file_of(folder);
  const std::string temporary = path + ".partial";
  {
    std::ofstream file(temporary, std::ios::trunc);
    for (std::size_t i = 0; i < kColumns.size(); ++i) file << (i == 0 ? "" : ",") << kColumns[i];
    file << '\n';
    for (const ManifestRow& r : rows) {
      for (const std::string* field : {&r.path, &r.source, &r.label, &r.subject, &r.sequence, &r.frame, &r.fold, &r.split, &r.neutral})
        file << quoted(*field) << ',';
      file << (r.aligned ? "1" : "0") << '\n';
    }
    file.flush();
    if (!file) throw Error(ErrorCode::kIo, path + ": cannot be written");
  }
  std::error_code fault;
  std::filesystem::rename(temporary, path, fault);
  if (fault) throw Error(ErrorCode::kIo, path + ": " + fault.message());
}

}  // namespace fmpn::train
