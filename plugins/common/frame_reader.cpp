#include "frame_reader.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <fmpn/error.h>

#include "square_in_frame.h"

namespace fmpn::gst {
namespace {

// Parts are converted with a rim that chroma interpolation needs, from corners that no chroma sample straddles, in sizes of so many
// pixels, so that few converters do for faces of all sizes.
constexpr int kRim = 8;
constexpr int kCorner = 16;
constexpr int kSizes = 64;
constexpr std::size_t kMaxConverters = 16;

/// How the luma of a format is had without a converter.
enum class Luma { kNone, kPlane, kYuy2, kUyvy, kBgra, kRgba, kBgr };

Luma luma_of(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_I420: case GST_VIDEO_FORMAT_YV12: case GST_VIDEO_FORMAT_NV12: case GST_VIDEO_FORMAT_NV21:
    case GST_VIDEO_FORMAT_Y42B: case GST_VIDEO_FORMAT_Y444: return Luma::kPlane;
    case GST_VIDEO_FORMAT_YUY2: case GST_VIDEO_FORMAT_YVYU: return Luma::kYuy2;
    case GST_VIDEO_FORMAT_UYVY: return Luma::kUyvy;
    case GST_VIDEO_FORMAT_BGRx: case GST_VIDEO_FORMAT_BGRA: return Luma::kBgra;
    case GST_VIDEO_FORMAT_RGBx: case GST_VIDEO_FORMAT_RGBA: return Luma::kRgba;
    case GST_VIDEO_FORMAT_BGR: return Luma::kBgr;
    default: return Luma::kNone;
  }
}

/// Whether black is 16 and white 235. Gray has the whole range unless its caps say otherwise, YUV has not.
bool is_narrow(const GstVideoInfo& info) {
  const GstVideoColorRange range = info.colorimetry.range;
  return GST_VIDEO_INFO_IS_GRAY(&info) ? range == GST_VIDEO_COLOR_RANGE_16_235
                                       : GST_VIDEO_INFO_IS_YUV(&info) && range != GST_VIDEO_COLOR_RANGE_0_255;
}

ImageView view_of_gray(const cv::Mat& gray) {
  return {gray.data, gray.cols, gray.rows, static_cast<std::ptrdiff_t>(gray.step), PixelFormat::kGray8};
}

ImageView plane_of(const GstVideoFrame& frame, PixelFormat format) {
  return {static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)), GST_VIDEO_FRAME_WIDTH(&frame),
          GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0), format};
}

cv::Mat first_plane(const GstVideoFrame& frame, int type) {
  return {GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), type, GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
          static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))};
}

/// What has to be converted for a part: grown to a corner and a size of the kinds above, inside the frame. Of a part beside the frame
/// it is the border next to it, which is what sampling finds there.
cv::Rect grown(const Box& part, int width, int height) {
  const auto low = [](float from, int limit) {
    return static_cast<int>(std::clamp(std::floor(from) - kRim, 0.0F, static_cast<float>(limit))) / kCorner * kCorner;
  };
  const auto high = [](float to, int limit) { return static_cast<int>(std::clamp(std::ceil(to) + kRim, 0.0F, static_cast<float>(limit))); };
  int x = low(part.x, width), y = low(part.y, height);
  const auto rounded = [](int size) { return (size + kSizes - 1) / kSizes * kSizes; };
  int w = rounded(std::max(1, high(part.x + part.width, width) - x)), h = rounded(std::max(1, high(part.y + part.height, height) - y));
  // At the right and lower border it begins earlier, on a corner again, and reaches to the border.
  if (x + w > width) x = std::max(0, width - w) / kCorner * kCorner, w = width - x;
  if (y + h > height) y = std::max(0, height - h) / kCorner * kCorner, h = height - y;
  return {x, y, w, h};
}

}  // namespace

struct FrameReader::State {
  GstVideoInfo info{}, rgb_info{};
  bool in_place = true;               ///< RGB or GRAY8: no converter is ever needed
  Luma luma = Luma::kNone;
  std::map<std::pair<int, int>, GstVideoConverter*> converters;  ///< by size; the frame's own is always there
  std::optional<MappedFrame> rgb;     ///< the converted picture
  cv::Mat gray;

  ~State() { clear(); }
  void clear() {
    for (const auto& [size, converter] : converters) gst_video_converter_free(converter);
    converters.clear();
    rgb.reset();
  }

  GstVideoConverter* converter_for(int width, int height) {
    if (const auto found = converters.find({width, height}); found != converters.end()) return found->second;
    if (converters.size() >= kMaxConverters) {
      for (auto it = converters.begin(); it != converters.end();) {
        if (it->first == std::pair{info.width, info.height}) ++it;
        else gst_video_converter_free(it->second), it = converters.erase(it);
      }
    }
    GstVideoInfo from = info, to = rgb_info;
    from.width = to.width = width, from.height = to.height = height;
    // Both fields of an interlaced frame show the face: the picture is read as it lies.
    GST_VIDEO_INFO_INTERLACE_MODE(&from) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
    GstStructure* options =
        gst_structure_new("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE, nullptr);
    GstVideoConverter* converter = gst_video_converter_new(&from, &to, options);
    if (converter == nullptr)
      throw Error(ErrorCode::kBadSetting,
                  std::string("raw video format ") + gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info)) + " cannot be read");
    return converters[{width, height}] = converter;
  }

  /// Luma or gray in 0…255. The landmark model compares brightness by thresholds: video's 16…235 would change what it sees.
  ImageView spread(const cv::Mat& plane) {
    if (!is_narrow(info)) return view_of_gray(plane);
    plane.convertTo(gray, CV_8U, 255.0 / 219, -16 * 255.0 / 219);
    return view_of_gray(gray);
  }

  void convert(const GstVideoFrame& frame, const cv::Rect& part) {
    if (!rgb) {
      const std::unique_ptr<GstBuffer, decltype(&gst_buffer_unref)> buffer(
          gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&rgb_info), nullptr), gst_buffer_unref);
      if (!buffer)
        throw Error(ErrorCode::kRuntime, "no memory for a frame of " + std::to_string(info.width) + "×" + std::to_string(info.height));
      rgb.emplace(rgb_info, buffer.get(), GST_MAP_READWRITE);  // which holds the buffer
    }
    const auto seen = [&](const GstVideoFrame& whole) { return part_of(whole, part.x, part.y, part.width, part.height); };
    GstVideoFrame from = seen(frame), to = seen(rgb->get());
    gst_video_converter_frame(converter_for(part.width, part.height), &from, &to);
  }
};

FrameReader::FrameReader() : state_(std::make_unique<State>()) {}
FrameReader::~FrameReader() = default;

void FrameReader::set_format(const GstVideoInfo& info) {
  State& s = *state_;
  s.clear();
  s.info = info;
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&info);
  s.luma = luma_of(format);
  s.in_place = format == GST_VIDEO_FORMAT_RGB || format == GST_VIDEO_FORMAT_GRAY8;
  if (s.in_place) return;
  gst_video_info_set_format(&s.rgb_info, GST_VIDEO_FORMAT_RGB, static_cast<guint>(info.width), static_cast<guint>(info.height));
  // The converter changes no rate, and insists that both sides agree.
  GST_VIDEO_INFO_FPS_N(&s.rgb_info) = info.fps_n;
  GST_VIDEO_INFO_FPS_D(&s.rgb_info) = info.fps_d;
  s.converter_for(info.width, info.height);
}

void FrameReader::release() {
  state_->clear();
  state_->gray.release();
}

std::unique_ptr<FrameReader::Picture> FrameReader::read(GstBuffer* buffer) { return std::make_unique<Picture>(*state_, buffer); }

// A reference of ours would make the buffer read-only for the metadata that its faces get while it is mapped.
FrameReader::Picture::Picture(State& reader, GstBuffer* buffer)
    : reader_(reader), frame_(reader.info, buffer, static_cast<int>(GST_MAP_READ) | static_cast<int>(GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
  // The converter looks at the frame's own info, which says what the map found (video meta).
  GST_VIDEO_INFO_INTERLACE_MODE(&frame_.get().info) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
}

ImageView FrameReader::Picture::view() {
  State& s = reader_;
  if (GST_VIDEO_INFO_FORMAT(&s.info) == GST_VIDEO_FORMAT_GRAY8) return s.spread(first_plane(frame_.get(), CV_8UC1));
  if (s.in_place) return plane_of(frame_.get(), PixelFormat::kRgb8);
  if (!converted_) s.convert(frame_.get(), {0, 0, s.info.width, s.info.height});
  converted_ = true;
  return plane_of(s.rgb->get(), PixelFormat::kRgb8);
}

std::optional<ImageView> FrameReader::Picture::luma() {
  State& s = reader_;
  const auto pixels = [&](int type) { return first_plane(frame_.get(), type); };
  cv::Mat gray;
  switch (s.luma) {
    case Luma::kNone: return std::nullopt;
    case Luma::kPlane: gray = pixels(CV_8UC1); break;
    case Luma::kYuy2: cv::extractChannel(pixels(CV_8UC2), s.gray, 0), gray = s.gray; break;
    case Luma::kUyvy: cv::extractChannel(pixels(CV_8UC2), s.gray, 1), gray = s.gray; break;
    case Luma::kBgra: cv::cvtColor(pixels(CV_8UC4), s.gray, cv::COLOR_BGRA2GRAY), gray = s.gray; break;
    case Luma::kRgba: cv::cvtColor(pixels(CV_8UC4), s.gray, cv::COLOR_RGBA2GRAY), gray = s.gray; break;
    case Luma::kBgr: cv::cvtColor(pixels(CV_8UC3), s.gray, cv::COLOR_BGR2GRAY), gray = s.gray; break;
  }
  return s.spread(gray);
}

ImageView FrameReader::Picture::view_of(const std::vector<Box>& parts) {
  State& s = reader_;
  // Other formats' pixels don't lie side by side; and where parts make up most of the frame, one conversion is less work.
  if (s.in_place || converted_ || s.luma == Luma::kNone || parts.empty()) return view();
  std::vector<cv::Rect> all;
  double area = 0;
  for (const Box& part : parts) {
    all.push_back(grown(part, s.info.width, s.info.height));
    area += all.back().area();
  }
  if (area > 0.7 * s.info.width * s.info.height) return view();
  for (const cv::Rect& part : all) s.convert(frame_.get(), part);
  return plane_of(s.rgb->get(), PixelFormat::kRgb8);
}

Box shown_by(const Affine& warp, int crop_size) {
  const auto [left, top, right, bottom] = square_in_frame(warp, 0, crop_size - 1.0);
  const double margin = 4 + 3 * std::max(right - left, bottom - top) / crop_size;
  return {static_cast<float>(left - margin), static_cast<float>(top - margin), static_cast<float>(right - left + 2 * margin),
          static_cast<float>(bottom - top + 2 * margin)};
}

}  // namespace fmpn::gst
