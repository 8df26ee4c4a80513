#include "core/hog_scanner.h"

#include <algorithm>

#include "core/lanes.h"

namespace fmpn {
namespace {

constexpr int kTaps = HogFeatures::kWindow;
constexpr int kStrip = 2 * kLanes;  // columns of places that are done together
constexpr int kTogether = 4;        // rows of places
static_assert(HogFeatures::kSlack >= kStrip);

/// Two rows through two filters' rows, so that every value loaded is used twice. The loops over taps stay loops: unrolled, GCC loads
/// everything first and runs out of registers.
[[gnu::always_inline]] inline void filter_rows(const float* in, std::size_t stride, const float* one, const float* other, float* out_one,
                                               float* out_other) {
  Lanes a0 = {}, a1 = {}, a2 = {}, a3 = {}, b0 = {}, b1 = {}, b2 = {}, b3 = {};
#pragma GCC unroll 1
  for (int n = 0; n < kTaps; ++n) {
    Lanes value;
    load(value, in + n);
    a0 += value * one[n], b0 += value * other[n];
    load(value, in + n + kLanes);
    a1 += value * one[n], b1 += value * other[n];
    load(value, in + n + stride);
    a2 += value * one[n], b2 += value * other[n];
    load(value, in + n + stride + kLanes);
    a3 += value * one[n], b3 += value * other[n];
  }
  store(out_one, a0), store(out_one + kLanes, a1), store(out_one + kStrip, a2), store(out_one + kStrip + kLanes, a3);
  store(out_other, b0), store(out_other + kLanes, b1), store(out_other + kStrip, b2), store(out_other + kStrip + kLanes, b3);
}

/// Two of a strip's vectors.
struct Pair {
  Lanes left = {}, right = {};
  [[gnu::always_inline]] void add(const Pair& value, float tap) { left += value.left * tap, right += value.right * tap; }
  [[gnu::always_inline]] void take(const float* from) { load(left, from), load(right, from + kLanes); }
  [[gnu::always_inline]] void add_to(float* sums) const {
    Pair sum;
    sum.take(sums);
    store(sums, sum.left + left), store(sums + kLanes, sum.right + right);
  }
};

/// Adds to kTogether rows of sums what the filter's column makes of the rows below them; `in` is the first one's first.
[[gnu::always_inline]] inline void filter_columns(const float* in, const float* column, float* sums) {
  Pair a, b, c, d, value;
  value.take(in), a.add(value, column[0]);
  value.take(in + kStrip), a.add(value, column[1]), b.add(value, column[0]);
  value.take(in + 2 * kStrip), a.add(value, column[2]), b.add(value, column[1]), c.add(value, column[0]);
#pragma GCC unroll 1
  for (int m = 3; m < kTaps; ++m) {
    value.take(in + m * kStrip);
    a.add(value, column[m]), b.add(value, column[m - 1]), c.add(value, column[m - 2]), d.add(value, column[m - 3]);
  }
  value.take(in + kTaps * kStrip), b.add(value, column[kTaps - 1]), c.add(value, column[kTaps - 2]), d.add(value, column[kTaps - 3]);
  value.take(in + (kTaps + 1) * kStrip), c.add(value, column[kTaps - 1]), d.add(value, column[kTaps - 2]);
  value.take(in + (kTaps + 2) * kStrip), d.add(value, column[kTaps - 1]);
  a.add_to(sums), b.add_to(sums + kStrip), c.add_to(sums + 2 * kStrip), d.add_to(sums + 3 * kStrip);
}

}  // namespace

HogFilters::HogFilters(const dlib::frontal_face_detector& detector) {
  for (unsigned long bank = 0; bank < detector.num_detectors(); ++bank) {
    const auto& made = detector.get_processed_w(bank).get_detect_argument();
    for (std::size_t plane = 0; plane < made.row_filters.size(); ++plane) {
      for (std::size_t i = 0; i < made.row_filters[plane].size(); ++i) {
        Filter filter;
        filter.bank = static_cast<int>(bank);
        std::copy_n(made.row_filters[plane][i].begin(), kTaps, filter.row);
        std::copy_n(made.col_filters[plane][i].begin(), kTaps, filter.column);
        filters_[plane].push_back(filter);
      }
    }
    thresholds_.push_back(detector.get_w(bank)(detector.get_scanner().get_num_dimensions()));
  }
}

void HogScanner::scan(const HogFeatures& features, const HogFilters& filters, double threshold, std::vector<HogHit>& hits) {
  const int rows = features.rows(), columns = features.columns();
  const int padded = (rows + kTogether - 1) / kTogether * kTogether;
  const std::size_t pass = static_cast<std::size_t>(padded + kTaps - 1 + 2) * kStrip, bank_size = static_cast<std::size_t>(padded) * kStrip;
  // What the margins give is zero, and stays so.
  rows_.assign(2 * pass, 0);
  for (int left = 0; left < columns; left += kStrip) {
    sums_.assign(static_cast<std::size_t>(filters.banks()) * bank_size, 0);
    for (int plane = 0; plane < HogFeatures::kPlanes; ++plane) {
      const auto& of_plane = filters.of_plane(plane);
      const float* in = features.at(plane, 0, left);
      const auto stride = static_cast<std::size_t>(features.at(plane, 1, left) - in);
      for (std::size_t f = 0; f < of_plane.size(); f += 2) {
        const auto &one = of_plane[f], &other = of_plane[std::min(f + 1, of_plane.size() - 1)];
        for (int y = HogFeatures::kMargin; y < HogFeatures::kMargin + rows; y += 2) {
          float* out = rows_.data() + static_cast<std::size_t>(y) * kStrip;
          filter_rows(in + static_cast<std::size_t>(y) * stride, stride, one.row, other.row, out, out + pass);
        }
        for (std::size_t which = 0; which < std::min<std::size_t>(2, of_plane.size() - f); ++which) {
          const auto& filter = of_plane[f + which];
          float* sums = sums_.data() + static_cast<std::size_t>(filter.bank) * bank_size;
          for (int y = 0; y < rows; y += kTogether)
            filter_columns(rows_.data() + which * pass + static_cast<std::size_t>(y) * kStrip, filter.column,
                           sums + static_cast<std::size_t>(y) * kStrip);
        }
      }
    }
    for (int bank = 0; bank < filters.banks(); ++bank) {
      const double least = filters.threshold(bank) + threshold;
      const float* sum = sums_.data() + static_cast<std::size_t>(bank) * bank_size;
      for (int y = 0; y < rows; ++y)
        for (int x = 0; x < std::min(kStrip, columns - left); ++x)
          if (sum[y * kStrip + x] >= least) hits.push_back({y, left + x, bank, sum[y * kStrip + x] - filters.threshold(bank)});
    }
  }
}

}  // namespace fmpn
