#pragma once

#include <map>
#include <string>
#include <vector>

namespace fmpn::train {

/// A CSV file with a heading (RFC 4180: quoted fields may hold commas, quotes and line ends). Windows line ends, a byte
/// order mark and blanks around what is not in quotes are accepted; empty lines are passed over.
class CsvTable {
 public:
  /// Throws kNotFound, kBadFormat: a quote never closed, a line with another number of fields, a heading without one of
  /// `required` (names file, line and column). A first line that holds none of `assumed` where that is given is data:
  /// the file has no heading, and `assumed` names its columns.
  CsvTable(std::string path, const std::vector<std::string>& required, const std::vector<std::string>& assumed = {});

  std::size_t size() const { return lines_.size(); }
  bool has(const std::string& column) const { return columns_.count(column) != 0; }
  std::vector<std::string> columns() const;  ///< from left to right
  /// Empty where there is no such column.
  std::string get(std::size_t row, const std::string& column) const;
  /// Throws kBadFormat (file, line, column) for what is no whole number.
  long whole_number(std::size_t row, const std::string& column) const;
  /// "file:line", for messages.
  std::string place(std::size_t row) const;

 private:
  void heading(const std::vector<std::string>& names, int line, const std::vector<std::string>& required);

  struct Line {
    int number = 0;
    std::vector<std::string> fields;
  };
  std::string path_;
  std::map<std::string, std::size_t> columns_;
  std::vector<Line> lines_;
};

/// A field as a CSV file holds it: in quotes where it needs them.
std::string csv_quoted(const std::string& field);

}  // namespace fmpn::train
