#include "anonymizer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmpn/error.h>

#include "overlay_layout.h"

namespace fmpn::overlay {
namespace {

constexpr double kGrowth = 0.15;
constexpr int kBlocks = 8;            // across the face, when pixelating
constexpr double kBlurRadius = 0.12;  // of each pass, as a share of the face
constexpr int kBlurPasses = 3;        // three box blurs are close to a Gaussian
constexpr int kCellsPerRadius = 6;    // the grain at which a blur is computed
constexpr int kAlphaComponent = 3;
constexpr int kGrid = 8;  // a multiple of every chroma subsampling

/// The values of one component of a frame's region, wherever and however wide they are stored.
class ComponentRegion {
 public:
  ComponentRegion(GstVideoFrame* frame, int component, const Rect& region) {
    const GstVideoFormatInfo* format = frame->info.finfo;
    const int w_sub = GST_VIDEO_FORMAT_INFO_W_SUB(format, component);
    const int h_sub = GST_VIDEO_FORMAT_INFO_H_SUB(format, component);
    const int x = region.x >> w_sub;
    const int y = region.y >> h_sub;
    width = std::min(-(-region.right() >> w_sub), GST_VIDEO_FRAME_COMP_WIDTH(frame, component)) - x;
    height = std::min(-(-region.bottom() >> h_sub), GST_VIDEO_FRAME_COMP_HEIGHT(frame, component)) - y;
    row_step_ = GST_VIDEO_FRAME_COMP_STRIDE(frame, component);
    step_ = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, component);
    data_ = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_COMP_DATA(frame, component)) + y * row_step_ + x * step_;
    wide_ = GST_VIDEO_FORMAT_INFO_DEPTH(format, component) > 8;
    // GStreamer 1.22's table of P010 counts the second chroma value's offset in words.
    if (wide_ && GST_VIDEO_FORMAT_INFO_POFFSET(format, component) % 2 != 0) data_ += GST_VIDEO_FORMAT_INFO_POFFSET(format, component);
    little_endian_ = GST_VIDEO_FORMAT_INFO_IS_LE(format);
    shift_ = GST_VIDEO_FORMAT_INFO_SHIFT(format, component);
  }

  bool empty() const { return width <= 0 || height <= 0; }

  std::uint32_t get(int x, int y) const {
    const std::uint8_t* at = data_ + y * row_step_ + x * step_;
    if (!wide_) return *at;
    return (little_endian_ ? GST_READ_UINT16_LE(at) : GST_READ_UINT16_BE(at)) >> shift_;
  }

  void set(int x, int y, std::uint32_t value) {
    std::uint8_t* at = data_ + y * row_step_ + x * step_;
    if (!wide_) {
      *at = static_cast<std::uint8_t>(value);
      return;
    }
    const auto word = static_cast<std::uint16_t>(value << shift_);
    if (little_endian_) {
      GST_WRITE_UINT16_LE(at, word);
    } else {
      GST_WRITE_UINT16_BE(at, word);
    }
  }

  int width = 0;
  int height = 0;

 private:
  std::uint8_t* data_ = nullptr;
  std::ptrdiff_t row_step_ = 0;
  int step_ = 0;
  bool wide_ = false;
  bool little_endian_ = true;
  unsigned shift_ = 0;
};

std::uint32_t black(const GstVideoInfo& info, int component) {
  const unsigned depth = GST_VIDEO_FORMAT_INFO_DEPTH(info.finfo, component);
  const bool limited = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_16_235;
  if (GST_VIDEO_INFO_IS_YUV(&info) && component > 0) return 128U << (depth - 8);
  if ((GST_VIDEO_INFO_IS_YUV(&info) || GST_VIDEO_INFO_IS_GRAY(&info)) && limited) return 16U << (depth - 8);
  return 0;
}

void fill(ComponentRegion& region, std::uint32_t value) {
  for (int y = 0; y < region.height; ++y) {
    for (int x = 0; x < region.width; ++x) region.set(x, y, value);
  }
}

void pixelate(ComponentRegion& region, int block_width, int block_height) {
  for (int top = 0; top < region.height; top += block_height) {
    const int bottom = std::min(top + block_height, region.height);
    for (int left = 0; left < region.width; left += block_width) {
      const int right = std::min(left + block_width, region.width);
      std::uint64_t sum = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) sum += region.get(x, y);
      }
      const auto count = static_cast<std::uint64_t>(right - left) * static_cast<std::uint64_t>(bottom - top);
      const auto mean = static_cast<std::uint32_t>((sum + count / 2) / count);
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) region.set(x, y, mean);
      }
    }
  }
}

// A running mean over 2 × radius + 1 values of a line of `count` values `step` apart; the ends are repeated.
void blur_line(float* line, int count, std::ptrdiff_t step, int radius, std::vector<float>& copy) {
  for (int i = 0; i < count; ++i) copy[static_cast<std::size_t>(i)] = line[i * step];
  const auto at = [&](int i) { return copy[static_cast<std::size_t>(std::clamp(i, 0, count - 1))]; };
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += at(i);
  const double scale = 1.0 / (2 * radius + 1);
  for (int i = 0; i < count; ++i) {
    line[i * step] = static_cast<float>(sum * scale);
    sum += at(i + radius + 1) - at(i - radius);
  }
}

/// A region's values, each the mean of a cell of the region.
struct SmallPicture {
  int width = 0;
  int height = 0;
  std::vector<float> values;
  float* row(int y) { return values.data() + static_cast<std::ptrdiff_t>(y) * width; }
};

SmallPicture shrunk(const ComponentRegion& region, int cell_width, int cell_height) {
  SmallPicture small{(region.width + cell_width - 1) / cell_width, (region.height + cell_height - 1) / cell_height, {}};
  small.values.resize(static_cast<std::size_t>(small.width) * static_cast<std::size_t>(small.height));
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(small.width));
  for (int cell_y = 0; cell_y < small.height; ++cell_y) {
    const int top = cell_y * cell_height, bottom = std::min(top + cell_height, region.height);
    std::fill(sums.begin(), sums.end(), 0U);
    for (int y = top; y < bottom; ++y) {
      for (int cell_x = 0, x = 0; cell_x < small.width; ++cell_x) {
        const int right = std::min(x + cell_width, region.width);
        std::uint32_t sum = 0;
        for (; x < right; ++x) sum += region.get(x, y);
        sums[static_cast<std::size_t>(cell_x)] += sum;
      }
    }
    for (int cell_x = 0; cell_x < small.width; ++cell_x) {
      const int columns = std::min(cell_width, region.width - cell_x * cell_width);
      small.row(cell_y)[cell_x] = static_cast<float>(sums[static_cast<std::size_t>(cell_x)]) / static_cast<float>(columns * (bottom - top));
    }
  }
  return small;
}

/// Between which two cells a value lies, and how near the second.
struct Between {
  int first, second;
  float weight;
};

Between between_cells(int position, int cell, int cells) {
  const float at = std::clamp((static_cast<float>(position) + 0.5F) / static_cast<float>(cell) - 0.5F, 0.0F, static_cast<float>(cells - 1));
  const int first = static_cast<int>(at);
  return {first, std::min(first + 1, cells - 1), at - static_cast<float>(first)};
}

void enlarge(SmallPicture& small, ComponentRegion& region, int cell_width, int cell_height) {
  std::vector<Between> columns;
  for (int x = 0; x < region.width; ++x) columns.push_back(between_cells(x, cell_width, small.width));
  std::vector<float> line(static_cast<std::size_t>(small.width));
  for (int y = 0; y < region.height; ++y) {
    const Between rows = between_cells(y, cell_height, small.height);
    const float* upper = small.row(rows.first);
    const float* lower = small.row(rows.second);
    for (int i = 0; i < small.width; ++i) line[static_cast<std::size_t>(i)] = upper[i] + rows.weight * (lower[i] - upper[i]) + 0.5F;
    for (int x = 0; x < region.width; ++x) {
      const Between& c = columns[static_cast<std::size_t>(x)];
      const float left = line[static_cast<std::size_t>(c.first)];
      region.set(x, y, static_cast<std::uint32_t>(static_cast<int>(left + c.weight * (line[static_cast<std::size_t>(c.second)] - left))));
    }
  }
}

// So wide a blur leaves nothing finer than a part of its radius: it is done on the means of such cells, at a fraction of the cost.
void blur(ComponentRegion& region, int radius_x, int radius_y) {
  const int cell_width = std::max(1, radius_x / kCellsPerRadius), cell_height = std::max(1, radius_y / kCellsPerRadius);
  SmallPicture small = shrunk(region, cell_width, cell_height);
  // Rounded up: cells must not make the blur weaker.
  const int across = (radius_x + cell_width - 1) / cell_width, down = (radius_y + cell_height - 1) / cell_height;
  std::vector<float> copy(static_cast<std::size_t>(std::max(small.width, small.height)));
  for (int pass = 0; pass < kBlurPasses; ++pass) {
    for (int y = 0; y < small.height; ++y) blur_line(small.row(y), small.width, 1, across, copy);
    for (int x = 0; x < small.width; ++x) blur_line(small.values.data() + x, small.height, small.width, down, copy);
  }
  enlarge(small, region, cell_width, cell_height);
}

// Grown, clipped, and widened to the grid of the coarsest chroma, so that no component keeps a rim of the face.
Rect region_of(const GstVideoFrame& frame, const Box& box) {
  const auto bounded = [](double value, int limit) { return static_cast<int>(std::clamp(value, 0.0, 1.0 * limit)); };
  const int width = GST_VIDEO_FRAME_WIDTH(&frame);
  const int height = GST_VIDEO_FRAME_HEIGHT(&frame);
  const double grow_x = kGrowth * box.width;
  const double grow_y = kGrowth * box.height;
  const int left = bounded(std::floor(box.x - grow_x), width) / kGrid * kGrid;
  const int top = bounded(std::floor(box.y - grow_y), height) / kGrid * kGrid;
  const int right = bounded(std::ceil(box.x + box.width + grow_x), width);
  const int bottom = bounded(std::ceil(box.y + box.height + grow_y), height);
  return {left, top, std::min((right + kGrid - 1) / kGrid * kGrid, width) - left,
          std::min((bottom + kGrid - 1) / kGrid * kGrid, height) - top};
}

/// Every component has bytes or 16-bit words of its own.
bool is_plain(const GstVideoFormatInfo* format) {
  constexpr unsigned kUnusual =
      GST_VIDEO_FORMAT_FLAG_COMPLEX | GST_VIDEO_FORMAT_FLAG_PALETTE | GST_VIDEO_FORMAT_FLAG_TILED;
  if ((GST_VIDEO_FORMAT_INFO_FLAGS(format) & kUnusual) != 0 || GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format) == 0)
    return false;
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++c) {
    const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH(format, c);
    const guint shift = GST_VIDEO_FORMAT_INFO_SHIFT(format, c);
    const gint step = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, c);
    const bool byte = depth == 8 && shift == 0 && step >= 1;
    const bool word = depth > 8 && depth + shift <= 16 && step >= 2;
    if (!byte && !word) return false;
    // Three components of one word (RGB10A2) say so by one offset; hiding one of them would destroy the others.
    for (guint other = 0; other < c; ++other) {
      if (GST_VIDEO_FORMAT_INFO_PLANE(format, c) == GST_VIDEO_FORMAT_INFO_PLANE(format, other) &&
          GST_VIDEO_FORMAT_INFO_POFFSET(format, c) == GST_VIDEO_FORMAT_INFO_POFFSET(format, other) &&
          !GST_VIDEO_FORMAT_INFO_IS_GRAY(format)) {
        return false;
      }
    }
  }
  return true;
}

/// Formats that are not plain (v210, tiles …) go through the one that GStreamer unpacks their lines into, which is.
void hide_unpacked(GstVideoFrame* frame, const Box& box, Anonymize how) {
  const GstVideoFormatInfo* format = frame->info.finfo;
  const Rect region = region_of(*frame, box);
  if (region.empty()) return;
  const int width = GST_VIDEO_FRAME_WIDTH(frame);
  GstVideoFrame lines{};
  gst_video_info_set_format(&lines.info, format->unpack_format, static_cast<guint>(width), static_cast<guint>(region.height));
  lines.info.colorimetry = frame->info.colorimetry;
  std::vector<guint8> pixels(lines.info.size);
  lines.data[0] = pixels.data();
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&lines, 0);
  for (int y = 0; y < region.height; ++y)
    format->unpack_func(format, GST_VIDEO_PACK_FLAG_NONE, pixels.data() + y * stride, frame->data, frame->info.stride, 0, region.y + y, width);
  hide_face(&lines, {box.x, box.y - static_cast<float>(region.y), box.width, box.height}, how);
  for (int y = 0; y < region.height; ++y)
    format->pack_func(format, GST_VIDEO_PACK_FLAG_NONE, pixels.data() + y * stride, stride, frame->data, frame->info.stride,
                      frame->info.chroma_site, region.y + y, width);
}

}  // namespace

bool can_hide_faces(const GstVideoFormatInfo* format) {
  return is_plain(format) || (!GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format) && format->pack_func != nullptr &&
                              format->unpack_func != nullptr && is_plain(gst_video_format_get_info(format->unpack_format)));
}

void hide_face(GstVideoFrame* frame, const Box& box, Anonymize how) {
  if (how == Anonymize::kNone) return;
  const GstVideoFormatInfo* format = frame->info.finfo;
  if (!can_hide_faces(format)) {
    throw Error(ErrorCode::kBadFormat,
                std::string("faces cannot be hidden in video of the format ") + GST_VIDEO_FORMAT_INFO_NAME(format));
  }
  const bool sane =
      std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) && std::isfinite(box.height);
  if (!sane || box.width <= 0 || box.height <= 0) return;
  if (!is_plain(format)) return hide_unpacked(frame, box, how);
  const Rect region = region_of(*frame, box);
  if (region.empty()) return;

  const int face = std::max(region.width, region.height);
  const int block = std::max(kGrid, face / kBlocks / kGrid * kGrid);
  const int radius = std::max(2, static_cast<int>(std::lround(kBlurRadius * face)));
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++c) {
    if (static_cast<int>(c) == kAlphaComponent) continue;
    ComponentRegion part(frame, static_cast<int>(c), region);
    if (part.empty()) continue;
    const int w_sub = GST_VIDEO_FORMAT_INFO_W_SUB(format, c);
    const int h_sub = GST_VIDEO_FORMAT_INFO_H_SUB(format, c);
    switch (how) {
      case Anonymize::kBox:
        fill(part, black(frame->info, static_cast<int>(c)));
        break;
      case Anonymize::kPixelate:
        pixelate(part, std::max(1, block >> w_sub), std::max(1, block >> h_sub));
        break;
      case Anonymize::kBlur:
        blur(part, std::max(1, radius >> w_sub), std::max(1, radius >> h_sub));
        break;
      case Anonymize::kNone:
        break;
    }
  }
}

}  // namespace fmpn::overlay
