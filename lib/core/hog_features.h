#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

namespace fmpn {

/// The histograms of oriented gradients of Felzenszwalb, Girshick, McAllester and Ramanan (PAMI 32(9), 2010) on cells of 8 px, as
/// dlib's face detector was trained on them: 31 planes, equal to those of dlib::extract_fhog_features() but for the last bits,
/// for a histogram's votes are added in another order.
class HogFeatures {
 public:
  static constexpr int kCell = 8;     // pixels
  static constexpr int kPlanes = 31;  // 18 signed orientations, 9 unsigned ones, 4 textures
  static constexpr int kWindow = 10;  // cells along the detector's window: every plane has a margin of zeros for it

  /// `gray` is 8-bit, one channel, any size. Afterwards a window can be laid at rows() × columns() places, none where the picture has
  /// fewer than three cells a side.
  void compute(const cv::Mat& gray);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  /// The window at place (row, column) of a plane covers kWindow rows of kWindow values from here. Beyond `columns()` a row goes
  /// on with zeros for at least kSlack values.
  const float* at(int plane, int row, int column) const {
    return planes_.data() + (static_cast<std::size_t>(plane) * height_ + static_cast<std::size_t>(row)) * stride_ + column;
  }
  /// Rows of a plane, margins included, and which of them are not zeros: [kMargin, kMargin + rows()).
  int height() const { return static_cast<int>(height_); }
  static constexpr int kMargin = (kWindow - 1) / 2;
  static constexpr int kSlack = 16;

 private:
  void vote(const cv::Mat& gray, int block_row);
  void gradients(const cv::Mat& gray, int y);
  void measure(int cell_row);
  void normalise(int row);
  float* histogram(int row) { return histograms_.data() + static_cast<std::size_t>(row % kRing) * 18 * cell_stride_; }
  float* energy(int cell_row) { return energies_.data() + static_cast<std::size_t>(cell_row % kRing) * cell_stride_; }

  static constexpr int kRing = 4;  // rows of cells that are remembered
  int rows_ = 0, columns_ = 0;
  std::size_t height_ = 0, stride_ = 0;
  std::vector<float> planes_;
  int cell_rows_ = 0, cell_columns_ = 0, visible_rows_ = 0, visible_columns_ = 0;
  std::size_t cell_stride_ = 0;
  std::vector<float> histograms_;         // kRing rows of cells × 18 orientations × cell_stride_
  std::vector<float> energies_;           // kRing rows of cells
  std::vector<float> limits_, factors_;   // of two rows of blocks of 2×2 cells
  std::vector<float> lengths_;            // of the gradients, eight rows of pixels
  std::vector<std::int32_t> directions_;  // index into the table of orientations, eight rows of pixels
  std::size_t pixel_stride_ = 0;
};

}  // namespace fmpn
