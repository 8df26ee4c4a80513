#include "csv.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

constexpr const char* kBlanks = " \t";

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(kBlanks), last = text.find_last_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

/// Blanks around a field go, as people write them after a comma; those in quotes are the field's own.
std::vector<std::string> split_line(const std::string& line) {
  std::vector<std::string> fields;
  std::string field;
  std::size_t kept = 0;  // up to here the blanks at the end are the field's own
  bool inside = false, quoted = false;
  const auto finish = [&] {
    field.erase(std::max(kept, field.find_last_not_of(kBlanks) + 1));
    fields.push_back(std::move(field));
    field.clear(), kept = 0, quoted = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (inside && c == '"' && i + 1 < line.size() && line[i + 1] == '"') field += line[++i];
    else if (c == '"') inside = !inside, quoted = true, kept = field.size();
    else if (c == ',' && !inside) finish();
    else if (inside || quoted || !field.empty() || (c != ' ' && c != '\t')) field += c;
  }
  finish();
  return fields;
}

}  // namespace

CsvTable::CsvTable(std::string path, const std::vector<std::string>& required, const std::vector<std::string>& assumed)
    : path_(std::move(path)) {
  std::ifstream file(path_, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path_ + ": no such file");
  std::string line;
  int number = 0, first_line = 0;  // lines of the file; a record with a quoted line end takes several
  const auto next = [&] {
    if (!std::getline(file, line)) return false;
    first_line = ++number;
    for (std::string more; std::count(line.begin(), line.end(), '"') % 2 != 0; ++number) {
      if (!std::getline(file, more))
        throw Error(ErrorCode::kBadFormat, path_ + ":" + std::to_string(first_line) + ": a quote that is never closed");
      line += '\n' + more;
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (first_line == 1 && line.rfind("\xef\xbb\xbf", 0) == 0) line.erase(0, 3);
    return true;
  };
  std::vector<std::string> names;
  if (next()) names = split_line(line);
  const auto is_known = [&](const std::string& name) { return std::find(assumed.begin(), assumed.end(), name) != assumed.end(); };
  if (!assumed.empty() && !names.empty() && std::none_of(names.begin(), names.end(), is_known)) {
    lines_.push_back({first_line, split_line(line)});
    names = assumed;
  }
  heading(names, std::max(1, first_line), required);
  while (next())
    if (!line.empty()) lines_.push_back({first_line, split_line(line)});
  for (const Line& l : lines_)
    if (l.fields.size() != columns_.size())
      throw Error(ErrorCode::kBadFormat, path_ + ":" + std::to_string(l.number) + ": " + std::to_string(l.fields.size()) +
                                             " fields, the heading has " + std::to_string(columns_.size()));
}

void CsvTable::heading(const std::vector<std::string>& names, int line, const std::vector<std::string>& required) {
  for (const std::string& name : names)
    if (!columns_.emplace(name, columns_.size()).second)
      throw Error(ErrorCode::kBadFormat, path_ + ":" + std::to_string(line) + ": the column '" + name + "' stands there twice");
  for (const std::string& name : required)
    if (!has(name)) throw Error(ErrorCode::kBadFormat, path_ + ": the column '" + name + "' is missing");
}

std::vector<std::string> CsvTable::columns() const {
  std::vector<std::string> names(columns_.size());
  for (const auto& [name, at] : columns_) names[at] = name;
  return names;
}

std::string CsvTable::get(std::size_t row, const std::string& column) const {
  const auto at = columns_.find(column);
  return at == columns_.end() ? std::string() : lines_[row].fields[at->second];
}

long CsvTable::whole_number(std::size_t row, const std::string& column) const {
  const std::string text = trimmed(get(row, column));
  long value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size())
    throw Error(ErrorCode::kBadFormat, place(row) + ": '" + text + "' in the column '" + column + "' is no whole number");
  return value;
}

std::string CsvTable::place(std::size_t row) const { return path_ + ":" + std::to_string(lines_[row].number); }

std::string csv_quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos && trimmed(field) == field) return field;
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace fmpn::train
