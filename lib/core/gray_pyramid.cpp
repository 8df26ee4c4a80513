#include "core/gray_pyramid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace fmpn {
namespace {

using Bytes = std::uint8_t __attribute__((vector_size(16)));

/// Byte i of the result is byte picks[i] of `bytes`.
Bytes picked(Bytes bytes, Bytes picks) {
#ifdef __clang__  // has no shuffle by a variable
  Bytes result{};
  for (int i = 0; i < 16; ++i) result[i] = bytes[picks[i] % 16];
  return result;
#else
  return __builtin_shuffle(bytes, picks);
#endif
}

/// One row from its neighbours: upper left, upper right, lower left, lower right. Rounded as (int)(value + 0.5) in double precision.
void blend(const std::array<const float*, 4>& rows, const float* share, float upper, float lower, int columns,
           std::uint8_t* __restrict out) {
  const float *tl = rows[0], *tr = rows[1], *bl = rows[2], *br = rows[3];
  for (int c = 0; c < columns; ++c) {
    const float right = share[c], left = 1 - right;
    const float value = upper * left * tl[c] + upper * right * tr[c] + lower * left * bl[c] + lower * right * br[c];
    const auto whole = static_cast<int>(value);
    const int up = value - static_cast<float>(whole) >= 0.5F ? 1 : 0;
    out[c] = static_cast<std::uint8_t>(whole + up);
  }
}

}  // namespace

// dlib steps through the columns in floats, four at a time, until the last of the four would need a pixel beyond the row. Its sums of
// floats are repeated here, for they decide which pixel a column falls on.
void GrayPyramid::plan(int columns_in, int columns_out) {
  if (columns_in == columns_in_ && columns_out == columns_out_) return;
  columns_in_ = columns_in, columns_out_ = columns_out;
  left_.clear(), share_.clear(), picks_.clear();
  const double step = (columns_in - 1) / static_cast<double>(std::max(columns_out - 1, 1));
  const auto step4 = static_cast<float>(4 * step);
  const double before = -4 * step;
  float x[4] = {static_cast<float>(before), static_cast<float>(before + step), static_cast<float>(before + 2 * step),
                static_cast<float>(before + 3 * step)};
  for (;;) {
    for (float& one : x) one += step4;
    if (static_cast<int>(x[3]) + 1 >= columns_in || static_cast<int>(left_.size()) + 4 > columns_out) break;
    for (const float one : x) {
      left_.push_back(static_cast<int>(one));
      share_.push_back(one - static_cast<float>(left_.back()));
    }
  }
  even_ = static_cast<int>(left_.size());
  grouped_ = 0;
  while (grouped_ + kGroup <= even_ && left_[static_cast<std::size_t>(grouped_)] + 16 <= columns_in) {
    for (int side = 0; side < 2; ++side)
      for (int i = 0; i < kGroup; ++i)
        picks_.push_back(
            static_cast<std::uint8_t>(left_[static_cast<std::size_t>(grouped_ + i)] - left_[static_cast<std::size_t>(grouped_)] + side));
    grouped_ += kGroup;
  }
  double at = -step + even_ * step;
  for (int c = even_; c < columns_out; ++c) {
    at += step;
    left_.push_back(static_cast<int>(std::floor(at)));
    share_.push_back(static_cast<float>(at - left_.back()));
  }
  for (auto& one : spread_) one.assign(2 * static_cast<std::size_t>(columns_out), 0);
}

// A row of `from`, picked and as floats; the last two are remembered, for most rows are needed twice.
const float* GrayPyramid::spread(const cv::Mat& from, int row) {
  const auto slot = static_cast<std::size_t>(row % 2);
  float* const left = spread_[slot].data();
  if (row_of_[slot] == row) return left;
  row_of_[slot] = row;
  float* const right = left + columns_out_;
  const std::uint8_t* pixels = from.ptr(row);
  const int* lefts = left_.data();
  const std::uint8_t* picks = picks_.data();
  const int grouped = grouped_;
  for (int c = 0; c < grouped; c += kGroup) {
    Bytes loaded, pick;
    std::memcpy(&loaded, pixels + lefts[c], sizeof loaded);
    std::memcpy(&pick, picks + 2 * c, sizeof pick);
    const Bytes chosen = picked(loaded, pick);
    std::uint8_t values[16];
    std::memcpy(values, &chosen, sizeof chosen);
    for (int i = 0; i < kGroup; ++i) left[c + i] = values[i];
    for (int i = 0; i < kGroup; ++i) right[c + i] = values[kGroup + i];
  }
  for (int c = grouped_; c < columns_out_; ++c) {
    const int at = left_[static_cast<std::size_t>(c)];
    left[c] = pixels[at], right[c] = pixels[std::min(at + 1, columns_in_ - 1)];
  }
  return left;
}

void GrayPyramid::down(const cv::Mat& from, cv::Mat& to) {
  to.create(5 * from.rows / 6, 5 * from.cols / 6, CV_8UC1);
  if (to.empty()) return;
  plan(from.cols, to.cols);
  row_of_[0] = row_of_[1] = -1;
  const double step = (from.rows - 1) / static_cast<double>(std::max(to.rows - 1, 1));
  double y = -step;
  for (int r = 0; r < to.rows; ++r) {
    y += step;
    const int top = static_cast<int>(std::floor(y)), bottom = std::min(top + 1, from.rows - 1);
    const double down = y - top;
    const auto lower = static_cast<float>(down), upper = static_cast<float>(1 - down);
    const float *tl = spread(from, top), *tr = tl + to.cols;
    const float *bl = spread(from, bottom), *br = bl + to.cols;
    const float* share = share_.data();
    std::uint8_t* out = to.ptr(r);
    blend({tl, tr, bl, br}, share, upper, lower, even_, out);
    for (int c = even_; c < to.cols; ++c) {
      const float right = share[c], left = 1 - right;
      const auto value = static_cast<float>((1 - down) * static_cast<double>(left * tl[c] + right * tr[c]) +
                                            down * static_cast<double>(left * bl[c] + right * br[c]));
      out[c] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
    }
  }
}

}  // namespace fmpn
