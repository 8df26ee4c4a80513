#include "frame_reader.h"

#include <fmpn/error.h>

namespace fmpn::gst {
namespace {

ImageView view_of(const GstVideoFrame& frame, PixelFormat format) {
  return {static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)), GST_VIDEO_FRAME_WIDTH(&frame),
          GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0), format};
}

}  // namespace

struct FrameReader::State {
  GstVideoInfo info{};
  GstVideoConverter* converter = nullptr;  ///< null: the frame is read where it lies
  GstBuffer* buffer = nullptr;             ///< of `frame`
  GstVideoFrame frame{};                   ///< the converted picture, mapped as long as there is a converter

  ~State() { clear(); }
  void clear() {
    if (converter != nullptr) gst_video_converter_free(converter);
    if (buffer != nullptr) {
      gst_video_frame_unmap(&frame);
      gst_buffer_unref(buffer);
    }
    converter = nullptr;
    buffer = nullptr;
  }
};

FrameReader::FrameReader() : state_(std::make_unique<State>()) {}
FrameReader::~FrameReader() = default;

void FrameReader::set_format(const GstVideoInfo& info) {
  State& s = *state_;
  s.clear();
  s.info = info;
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&info);
  if (format == GST_VIDEO_FORMAT_RGB || format == GST_VIDEO_FORMAT_GRAY8) return;
  GstVideoInfo rgb;
  gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, static_cast<guint>(info.width), static_cast<guint>(info.height));
  // The converter changes neither rate nor interlacing, and insists that both sides agree.
  GST_VIDEO_INFO_FPS_N(&rgb) = info.fps_n;
  GST_VIDEO_INFO_FPS_D(&rgb) = info.fps_d;
  // Both fields of an interlaced frame show the face: the picture is read as it lies.
  GstVideoInfo in = info;
  GST_VIDEO_INFO_INTERLACE_MODE(&in) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  GstStructure* options = gst_structure_new("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
                                            GST_VIDEO_DITHER_NONE, nullptr);
  s.converter = gst_video_converter_new(&in, &rgb, options);
  if (s.converter == nullptr)
    throw Error(ErrorCode::kBadSetting, std::string("raw video format ") + gst_video_format_to_string(format) + " cannot be read");
  s.buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&rgb), nullptr);
  if (s.buffer == nullptr || !gst_video_frame_map(&s.frame, &rgb, s.buffer, GST_MAP_READWRITE)) {
    gst_clear_buffer(&s.buffer);
    throw Error(ErrorCode::kRuntime, "no memory for a frame of " + std::to_string(info.width) + "×" + std::to_string(info.height));
  }
}

std::unique_ptr<FrameReader::Picture> FrameReader::read(GstBuffer* buffer) {
  State& s = *state_;
  GstVideoFrame mapped;
  // A reference of ours would make the buffer read-only for the metadata that its faces get while it is mapped.
  const auto flags = static_cast<GstMapFlags>(GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF);
  if (!gst_video_frame_map(&mapped, &s.info, buffer, flags)) throw Error(ErrorCode::kRuntime, "a buffer cannot be mapped as a video frame");
  auto picture = std::make_unique<Picture>(mapped);
  if (s.converter == nullptr) {
    const bool gray = GST_VIDEO_INFO_FORMAT(&s.info) == GST_VIDEO_FORMAT_GRAY8;
    picture->view_ = view_of(picture->frame_, gray ? PixelFormat::kGray8 : PixelFormat::kRgb8);
    return picture;
  }
  // The converter looks at the frame's own info, which says what the map found (video meta).
  GST_VIDEO_INFO_INTERLACE_MODE(&picture->frame_.info) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  gst_video_converter_frame(s.converter, &picture->frame_, &s.frame);
  picture->view_ = view_of(s.frame, PixelFormat::kRgb8);
  return picture;
}

}  // namespace fmpn::gst
