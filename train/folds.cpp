#include "folds.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// Fisher and Yates; std::shuffle may draw differently from one standard library to the next.
void shuffle(std::vector<std::size_t>& items, std::mt19937_64& generator) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[generator() % i]);
}

std::map<std::string, std::vector<std::size_t>> labelled_by(const std::vector<ManifestRow>& rows, bool with_split) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].label.empty()) groups[rows[i].label + (with_split ? '\n' + rows[i].split : "")].push_back(i);
  return groups;
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, k = 0;
  while (i < a.size() && k < b.size()) {
    if (!digit(a[i]) || !digit(b[k])) {
      if (a[i] != b[k]) return a[i] < b[k];
      ++i, ++k;
      continue;
    }
    const auto run = [](const std::string& text, std::size_t& at) {
      const std::size_t first = std::min(text.find_first_not_of('0', at), text.size());
      at = first;
      while (at < text.size() && digit(text[at])) ++at;
      return text.substr(first, at - first);
    };
    const std::string x = run(a, i), y = run(b, k);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  const bool a_ends = i == a.size(), b_ends = k == b.size();
  return a_ends != b_ends ? a_ends : a < b;
}

void assign_folds(std::vector<ManifestRow>& rows, int folds) {
  if (folds < 2) throw Error(ErrorCode::kBadSetting, "a cross-validation needs two folds at least");
  std::vector<std::string> subjects;
  for (const ManifestRow& row : rows) {
    if (row.label.empty() || row.split == "test") continue;
    if (row.subject.empty()) throw Error(ErrorCode::kBadFormat, row.source + ": its subject is not known, so that it belongs to no fold");
    subjects.push_back(row.subject);
  }
  std::sort(subjects.begin(), subjects.end(), natural_less);
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  const std::size_t count = subjects.size(), blocks = static_cast<std::size_t>(folds);
  if (count < blocks)
    throw Error(ErrorCode::kBadSetting, std::to_string(count) + " subjects are fewer than " + std::to_string(folds) + " folds (--folds N)");
  std::map<std::string, std::string> fold_of;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t first = (2 * count * i + blocks) / (2 * blocks),
                      end = (2 * count * (i + 1) + blocks) / (2 * blocks);  // rounds half up
    for (std::size_t s = first; s < end; ++s) fold_of[subjects[s]] = std::to_string(blocks - 1 - i);
  }
  for (ManifestRow& row : rows) {
    const auto found = fold_of.find(row.subject);
    row.fold = found == fold_of.end() || row.split == "test" ? "" : found->second;
  }
}

std::vector<std::size_t> beyond_per_class(const std::vector<ManifestRow>& rows, std::size_t most, std::uint64_t seed) {
  std::vector<std::size_t> beyond;
  std::mt19937_64 generator(seed);
  for (auto& group : labelled_by(rows, true)) {
    auto& members = group.second;
    shuffle(members, generator);
    for (std::size_t i = most; i < members.size(); ++i) beyond.push_back(members[i]);
  }
  return beyond;
}

void split_at_random(std::vector<ManifestRow>& rows, double share, std::uint64_t seed) {
  if (!(share > 0 && share < 1)) throw Error(ErrorCode::kBadSetting, "the share of the pictures to validate on must lie between 0 and 1");
  std::mt19937_64 generator(seed);
  // What goes into one split together: all pictures of a subject, or where none is known of a sequence, or one picture.
  using Unit = std::vector<std::size_t>;
  const auto draw = [&](const std::vector<Unit>& units) {
    std::vector<std::size_t> order(units.size());
    std::iota(order.begin(), order.end(), 0);
    shuffle(order, generator);
    const auto valid = static_cast<std::size_t>(std::lround(share * static_cast<double>(units.size())));
    for (std::size_t k = 0; k < order.size(); ++k)
      for (const std::size_t i : units[order[k]]) rows[i].split = k < valid ? "valid" : "train";
  };
  std::map<std::string, Unit> of_subject, of_sequence;
  for (const auto& group : labelled_by(rows, false)) {
    std::vector<Unit> pictures;
    for (const std::size_t i : group.second) {
      if (rows[i].split == "test") continue;
      if (!rows[i].subject.empty()) of_subject[rows[i].subject].push_back(i);
      else if (!rows[i].sequence.empty()) of_sequence[rows[i].sequence].push_back(i);
      else pictures.push_back({i});
    }
    draw(pictures);
  }
  // Of each class its share, by the class of a sequence's last picture: expressions begin neutral.
  std::map<std::string, std::vector<Unit>> sequences;
  for (auto& [name, frames] : of_sequence)
    sequences[rows[*std::max_element(frames.begin(), frames.end())].label].push_back(std::move(frames));
  for (const auto& item : sequences) draw(item.second);
  std::vector<Unit> subjects;
  for (auto& item : of_subject) subjects.push_back(std::move(item.second));
  draw(subjects);
}

}  // namespace fmpn::train
