#include "core/hog_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/lanes.h"

namespace fmpn {
namespace {

constexpr int kSigned = 18;  // orientations, 20° apart
constexpr int kUnsigned = 9;
constexpr int kSide = 512;  // of the table of orientations: differences of two pixels, −255…255, moved by 256
constexpr float kLeast = 0.0001F;
constexpr float kTexture = 2 * 0.2357F;

/// Four times the orientation (0…17) that is nearest to a gradient: the place of its Quad among floats.
const std::uint8_t* orientation_table() {
  static const std::vector<std::uint8_t> table = [] {
    // To the digits with which the detector was trained.
    constexpr float kUnits[kUnsigned][2] = {{1.0000F, 0.0000F},  {0.9397F, 0.3420F},  {0.7660F, 0.6428F},
                                            {0.500F, 0.8660F},   {0.1736F, 0.9848F},  {-0.1736F, 0.9848F},
                                            {-0.5000F, 0.8660F}, {-0.7660F, 0.6428F}, {-0.9397F, 0.3420F}};
    std::vector<std::uint8_t> made(kSide * kSide, 0);
    for (int dy = -255; dy <= 255; ++dy) {
      for (int dx = -255; dx <= 255; ++dx) {
        float best = 0;
        int nearest = 0;
        for (int o = 0; o < kUnsigned; ++o) {
          const float dot = static_cast<float>(dx) * kUnits[o][0] + static_cast<float>(dy) * kUnits[o][1];
          if (dot > best) best = dot, nearest = o;
          if (-dot > best) best = -dot, nearest = o + kUnsigned;
        }
        made[static_cast<std::size_t>((dy + 256) * kSide + dx + 256)] = static_cast<std::uint8_t>(4 * nearest);
      }
    }
    return made;
  }();
  return table.data();
}

/// What a pixel's vote counts for in the four cells around it, by its place in the square between their centres: upper left, lower
/// left, upper right, lower right.
struct Votes {
  alignas(16) float of[HogFeatures::kCell][HogFeatures::kCell][4];
};
constexpr Votes bilinear_votes() {
  Votes votes{};
  for (int y = 0; y < HogFeatures::kCell; ++y) {
    for (int x = 0; x < HogFeatures::kCell; ++x) {
      const float down = (static_cast<float>(y) + 0.5F) / HogFeatures::kCell, right = (static_cast<float>(x) + 0.5F) / HogFeatures::kCell;
      votes.of[y][x][0] = (1 - down) * (1 - right);
      votes.of[y][x][1] = down * (1 - right);
      votes.of[y][x][2] = (1 - down) * right;
      votes.of[y][x][3] = down * right;
    }
  }
  return votes;
}
constexpr Votes kVotes = bilinear_votes();

std::size_t rounded_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

void HogFeatures::compute(const cv::Mat& gray) {
  const auto cells = [](int pixels) { return static_cast<int>(static_cast<float>(pixels) / kCell + 0.5F); };
  cell_rows_ = cells(gray.rows), cell_columns_ = cells(gray.cols);
  rows_ = std::max(cell_rows_ - 2, 0), columns_ = std::max(cell_columns_ - 2, 0);
  if (rows_ == 0 || columns_ == 0) {
    rows_ = columns_ = 0;
    return;
  }
  visible_rows_ = std::min(cell_rows_ * kCell, gray.rows) - 1, visible_columns_ = std::min(cell_columns_ * kCell, gray.cols) - 1;
  height_ = static_cast<std::size_t>(rows_ + kWindow - 1);
  stride_ = rounded_up(static_cast<std::size_t>(columns_ + kWindow - 1 + kSlack), kLanes);
  planes_.resize(kPlanes * height_ * stride_ + kSlack);
  for (std::size_t i = 0; i < kPlanes * height_; ++i) {
    float* row = planes_.data() + i * stride_;
    const int y = static_cast<int>(i % height_);
    const bool inside = y >= kMargin && y < kMargin + rows_;
    std::fill_n(row, inside ? kMargin : stride_, 0.0F);
    if (inside) std::fill(row + kMargin + columns_, row + stride_, 0.0F);
  }
  cell_stride_ = rounded_up(static_cast<std::size_t>(cell_columns_) + 2 + 2 * kLanes, kLanes);
  histograms_.assign(kRing * kSigned * cell_stride_, 0);
  energies_.assign(kRing * cell_stride_, 0);
  limits_.assign(2 * cell_stride_, 0), factors_.assign(2 * cell_stride_, 0);
  pixel_stride_ = static_cast<std::size_t>(cell_columns_ + 1) * kCell;
  lengths_.assign(kCell * pixel_stride_, 0), directions_.assign(kCell * pixel_stride_, 0);
  for (int block_row = 0; block_row <= cell_rows_; ++block_row) {
    vote(gray, block_row);
    if (block_row >= 1) measure(block_row - 1);
    if (block_row >= 3) normalise(block_row - 3);
  }
}

// The gradients of row y of the picture into the row of lengths_ and directions_ that is the row's in its row of blocks.
void HogFeatures::gradients(const cv::Mat& gray, int y) {
  const std::uint8_t *above = gray.ptr(y - 1), *row = gray.ptr(y), *below = gray.ptr(y + 1);
  const std::size_t into = static_cast<std::size_t>((y + kCell / 2) % kCell) * pixel_stride_ + kCell / 2;
  float* __restrict lengths = lengths_.data() + into;
  std::int32_t* __restrict directions = directions_.data() + into;
  const int end = visible_columns_;
  for (int x = 1; x < end; ++x) {
    const std::int32_t dx = row[x + 1] - row[x - 1], dy = below[x] - above[x];
    lengths[x] = std::sqrt(static_cast<float>(dx * dx + dy * dy));
    directions[x] = (dy + 256) * kSide + dx + 256;
  }
}

// A row of blocks lies between the centres of two rows of cells: its pixels vote in both. The histogram that is above gets its last
// votes, the one below its first.
void HogFeatures::vote(const cv::Mat& gray, int block_row) {
  const int first = std::max(1, block_row * kCell - kCell / 2), end = std::min(visible_rows_, block_row * kCell + kCell / 2);
  for (int y = first; y < end; ++y) gradients(gray, y);
  float* const upper = histogram(block_row);
  float* const lower = histogram(block_row + 1);
  const std::uint8_t* const orientations = orientation_table();
  alignas(16) float right[2][kSigned] = {};  // votes of the block to the left
  for (int block = 0; block <= cell_columns_; ++block) {
    // Neighbours often vote alike: two sums, so that one addition need not wait for the other.
    alignas(32) float sums[2][4 * kSigned] = {};
    for (int y = first; y < end; ++y) {
      const int phase = (y + kCell / 2) % kCell;
      const std::size_t from = static_cast<std::size_t>(phase) * pixel_stride_ + static_cast<std::size_t>(block) * kCell;
      const float* lengths = lengths_.data() + from;
      const std::int32_t* directions = directions_.data() + from;
      for (int x = 0; x < kCell; ++x) {
        float* sum = sums[x % 2] + orientations[directions[x]];
        Quad votes, total;
        std::memcpy(&votes, kVotes.of[phase][x], sizeof votes);
        std::memcpy(&total, sum, sizeof total);
        total += votes * lengths[x];
        std::memcpy(sum, &total, sizeof total);
      }
    }
    for (std::size_t o = 0; o < kSigned; ++o) {
      const float *even = sums[0] + 4 * o, *odd = sums[1] + 4 * o;
      const std::size_t at = o * cell_stride_ + static_cast<std::size_t>(block);
      upper[at] += right[0][o] + (even[0] + odd[0]);
      lower[at] = right[1][o] + (even[1] + odd[1]);
      right[0][o] = even[2] + odd[2], right[1][o] = even[3] + odd[3];
    }
  }
}

// The energy of a row of cells, and with the row above the limits and factors of a row of blocks of 2×2 cells.
void HogFeatures::measure(int cell_row) {
  const float* cells = histogram(cell_row + 1) + 1;
  float* energies = energy(cell_row);
  std::fill_n(energies, cell_columns_, 0.0F);
  for (std::size_t o = 0; o < kUnsigned; ++o) {
    const float *one = cells + o * cell_stride_, *other = cells + (o + kUnsigned) * cell_stride_;
    for (int x = 0; x < cell_columns_; ++x) energies[x] += (one[x] + other[x]) * (one[x] + other[x]);
  }
  if (cell_row == 0) return;
  const float* above = energy(cell_row - 1);
  const std::size_t into = static_cast<std::size_t>(cell_row - 1) % 2 * cell_stride_;
  float *limits = limits_.data() + into, *factors = factors_.data() + into;
  for (int x = 0; x + 1 < cell_columns_; ++x) {
    limits[x] = 0.2F * std::sqrt(above[x] + above[x + 1] + energies[x] + energies[x + 1] + kLeast);
    factors[x] = 0.1F / limits[x];
  }
}

// A row of features: each cell's histogram as its four blocks see it, cut at their limits.
void HogFeatures::normalise(int row) {
  const float* cells = histogram(row + 2) + 2;
  const std::size_t upper = static_cast<std::size_t>(row) % 2 * cell_stride_, lower = static_cast<std::size_t>(row + 1) % 2 * cell_stride_;
  const std::size_t plane = height_ * stride_;
  float* const out = planes_.data() + static_cast<std::size_t>(kMargin + row) * stride_ + kMargin;
  for (int x = 0; x < columns_; x += kLanes) {
    Lanes limit[4], factor[4], texture[4] = {};
    const std::size_t blocks[4] = {lower + 1, upper + 1, lower, upper};
    for (int b = 0; b < 4; ++b) {
      load(limit[b], limits_.data() + blocks[b] + x);
      load(factor[b], factors_.data() + blocks[b] + x);
    }
    const auto width = sizeof(float) * static_cast<std::size_t>(std::min(kLanes, columns_ - x));
    const auto put = [&](int o, const Lanes& value) { std::memcpy(out + static_cast<std::size_t>(o) * plane + x, &value, width); };
    const auto seen = [&](const Lanes& votes, Lanes(&by)[4]) {
      for (int b = 0; b < 4; ++b) by[b] = (votes < limit[b] ? votes : limit[b]) * factor[b];
    };
    Lanes signed_votes[kSigned];
    for (int o = 0; o < kSigned; ++o) {
      Lanes by[4];
      load(signed_votes[o], cells + static_cast<std::size_t>(o) * cell_stride_ + x);
      seen(signed_votes[o], by);
      put(o, (by[0] + by[1]) + (by[2] + by[3]));
      for (int b = 0; b < 4; ++b) texture[b] += by[b];
    }
    for (int o = 0; o < kUnsigned; ++o) {
      Lanes by[4];
      seen(signed_votes[o] + signed_votes[o + kUnsigned], by);
      put(kSigned + o, (by[0] + by[1]) + (by[2] + by[3]));
    }
    for (int b = 0; b < 4; ++b) put(kSigned + kUnsigned + b, texture[b] * kTexture);
  }
}

}  // namespace fmpn
