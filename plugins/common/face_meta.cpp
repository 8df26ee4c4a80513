#include "face_meta.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <gst/video/video.h>

#include "face_region.h"

namespace {

GstFmpnFaceMeta* face_meta(GstMeta* meta) { return reinterpret_cast<GstFmpnFaceMeta*>(meta); }

gboolean face_meta_init(GstMeta* meta, gpointer, GstBuffer*) {
  face_meta(meta)->region_id = 0;
  face_meta(meta)->data = new fmpn::gst::FaceData;
  return TRUE;
}

void face_meta_free(GstMeta* meta, GstBuffer*) { delete face_meta(meta)->data; }

/// The same face in a frame that was scaled by (sx, sy).
fmpn::gst::FaceData scaled(fmpn::gst::FaceData face, double sx, double sy) {
  // Pixel centres are at whole numbers, so the frame's corner is at (-0.5, -0.5).
  if (face.landmarks) {
    for (fmpn::Point& point : *face.landmarks) {
      point.x = static_cast<float>((point.x + 0.5) * sx - 0.5);
      point.y = static_cast<float>((point.y + 0.5) * sy - 0.5);
    }
  }
  fmpn::Affine& m = face.warp;
  for (int row = 0; row < 2; ++row) {
    double* r = &m[static_cast<std::size_t>(3 * row)];
    r[2] += r[0] * (0.5 / sx - 0.5) + r[1] * (0.5 / sy - 0.5);
    r[0] /= sx;
    r[1] /= sy;
  }
  return face;
}

double display_aspect(const GstVideoInfo& info) {
  return static_cast<double>(info.width) * info.par_n / (static_cast<double>(info.height) * info.par_d);
}

/// Where `in`'s picture is in `out` if it keeps its shape, and what is left are borders; all of `out` where the shapes are alike.
fmpn::Box picture_with_borders(const GstVideoInfo& in, const GstVideoInfo& out) {
  const double wider = display_aspect(in) / display_aspect(out);
  const double width = out.width * std::min(1.0, wider), height = out.height * std::min(1.0, 1 / wider);
  return {static_cast<float>((out.width - width) / 2), static_cast<float>((out.height - height) / 2), static_cast<float>(width),
          static_cast<float>(height)};
}

fmpn::Box placed(const fmpn::Box& face, const GstVideoInfo& in, const fmpn::Box& picture) {
  const float sx = picture.width / static_cast<float>(in.width), sy = picture.height / static_cast<float>(in.height);
  return {picture.x + face.x * sx, picture.y + face.y * sy, face.width * sx, face.height * sy};
}

/// Where the face may be in the scaled frame, but for the place of a frame that is stretched as a whole, which its region has.
std::vector<fmpn::Box> other_places(const std::vector<fmpn::Box>& others, const GstVideoRegionOfInterestMeta* region,
                                    const GstVideoInfo& in, const GstVideoInfo& out) {
  const fmpn::Box whole{0, 0, static_cast<float>(out.width), static_cast<float>(out.height)}, bordered = picture_with_borders(in, out);
  std::vector<fmpn::Box> places;
  for (const fmpn::Box& other : others) places.push_back(placed(other, in, whole));
  if (std::abs(bordered.width - whole.width) < 1 && std::abs(bordered.height - whole.height) < 1) return places;
  for (const fmpn::Box& other : others) places.push_back(placed(other, in, bordered));
  if (region != nullptr) places.push_back(placed(fmpn::gst::box_of(*region), in, bordered));
  return places;
}

gpointer copy_structure(gconstpointer structure, gpointer) { return gst_structure_copy(static_cast<const GstStructure*>(structure)); }

/// GStreamer 1.22 scales a region without its parameters, and with them goes what was read in the face. Ours come after the regions that
/// they belong to, so the scaled region is there already.
void keep_parameters(GstBuffer* to, const GstVideoRegionOfInterestMeta* region) {
  auto* scaled_region = region == nullptr ? nullptr : fmpn::gst::find_face_region(to, region->id);
  if (scaled_region == nullptr || scaled_region->params != nullptr) return;
  scaled_region->params = g_list_copy_deep(region->params, copy_structure, nullptr);
}

gboolean face_meta_transform(GstBuffer* to, GstMeta* meta, GstBuffer* from, GQuark type, gpointer data) {
  const GstFmpnFaceMeta* source = face_meta(meta);
  if (GST_META_TRANSFORM_IS_COPY(type)) {
    fmpn::gst::add_face_meta(to, source->region_id, *source->data);
    return TRUE;
  }
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE(type)) {
    const auto* scale = static_cast<const GstVideoMetaTransform*>(data);
    const double sx = static_cast<double>(GST_VIDEO_INFO_WIDTH(scale->out_info)) / GST_VIDEO_INFO_WIDTH(scale->in_info);
    const double sy = static_cast<double>(GST_VIDEO_INFO_HEIGHT(scale->out_info)) / GST_VIDEO_INFO_HEIGHT(scale->in_info);
    fmpn::gst::FaceData face = scaled(*source->data, sx, sy);
    const auto* region = fmpn::gst::find_face_region(from, source->region_id);
    face.other_places = other_places(face.other_places, region, *scale->in_info, *scale->out_info);
    fmpn::gst::add_face_meta(to, source->region_id, std::move(face));
    keep_parameters(to, region);
    return TRUE;
  }
  return FALSE;  // an operation that we don't know may have moved the face
}

}  // namespace

GType gst_fmpn_face_meta_api_get_type() {
  // The tags let videoconvert and videoscale hand the meta on, as they do with regions of interest.
  static const gchar* tags[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                nullptr};
  static const GType type = gst_meta_api_type_register("GstFmpnFaceMetaAPI", tags);
  return type;
}

const GstMetaInfo* gst_fmpn_face_meta_get_info() {
  static const GstMetaInfo* info =
      gst_meta_register(gst_fmpn_face_meta_api_get_type(), "GstFmpnFaceMeta", sizeof(GstFmpnFaceMeta), face_meta_init,
                        face_meta_free, face_meta_transform);
  return info;
}

namespace fmpn::gst {

GstFmpnFaceMeta* add_face_meta(GstBuffer* buffer, int region_id, FaceData data) {
  auto* meta = reinterpret_cast<GstFmpnFaceMeta*>(gst_buffer_add_meta(buffer, gst_fmpn_face_meta_get_info(), nullptr));
  meta->region_id = region_id;
  *meta->data = std::move(data);
  return meta;
}

GstFmpnFaceMeta* find_face_meta(GstBuffer* buffer, int region_id) {
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, gst_fmpn_face_meta_api_get_type()))
    if (face_meta(meta)->region_id == region_id) return face_meta(meta);
  return nullptr;
}

void drop_crops(GstBuffer* buffer) {
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, gst_fmpn_face_meta_api_get_type()))
    face_meta(meta)->data->crop = nullptr;
}

}  // namespace fmpn::gst
