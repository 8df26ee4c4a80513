#include "face_annotation.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmpn/error.h>

#include "analytics.h"
#include "face_region.h"

namespace fmpn::gst {
namespace {

constexpr const char* kDetectorName = "dlib-frontal-hog";
// DL Streamer's GVAPrecision::FP32: what its readers expect in the "precision" field of a tensor.
constexpr int kPrecisionFp32 = 10;

/// A number of the `object_id` param; 0: none.
int number_of(const GstVideoRegionOfInterestMeta* region, const char* field) {
  gint id = 0;
  const GstStructure* param = gst_video_region_of_interest_meta_get_param(const_cast<GstVideoRegionOfInterestMeta*>(region), "object_id");
  if (param != nullptr) gst_structure_get_int(param, field, &id);
  return id;
}

int track_of(const GstVideoRegionOfInterestMeta* region) { return number_of(region, "id"); }
int upstream_of(const GstVideoRegionOfInterestMeta* region) { return number_of(region, "upstream_id"); }

/// Adds what the region's param of this name lacks; its own fields stay. Takes the structure.
void complete_param(GstVideoRegionOfInterestMeta* region, GstStructure* param) {
  GstStructure* there = gst_video_region_of_interest_meta_get_param(region, gst_structure_get_name(param));
  if (there == nullptr) {
    gst_video_region_of_interest_meta_add_param(region, param);
    return;
  }
  for (int i = 0; i < gst_structure_n_fields(param); ++i) {
    const char* field = gst_structure_nth_field_name(param, static_cast<guint>(i));
    if (!gst_structure_has_field(there, field)) gst_structure_set_value(there, field, gst_structure_get_value(param, field));
  }
  gst_structure_free(param);
}

/// Replaces the param that has the structure's name. Takes the structure.
void set_param(GstVideoRegionOfInterestMeta* region, GstStructure* param) {
  for (GList* item = region->params; item != nullptr; item = item->next) {
    auto* old = static_cast<GstStructure*>(item->data);
    if (std::strcmp(gst_structure_get_name(old), gst_structure_get_name(param)) != 0) continue;
    gst_structure_free(old);
    item->data = param;
    return;
  }
  gst_video_region_of_interest_meta_add_param(region, param);
}

/// x, y pairs as fractions of the region: DL Streamer's tensor, and a plain array for everybody else.
GstStructure* landmarks_structure(const Landmarks& landmarks, const Box& box) {
  std::array<float, 10> values{};
  for (std::size_t i = 0; i < landmarks.size(); ++i) {
    values[2 * i] = (landmarks[i].x - box.x) / box.width;
    values[2 * i + 1] = (landmarks[i].y - box.y) / box.height;
  }
  GstStructure* param =
      gst_structure_new("landmarks", "format", G_TYPE_STRING, "landmark_points", "precision", G_TYPE_INT, kPrecisionFp32,
                        "model_name", G_TYPE_STRING, "dlib-shape-predictor", "layer_name", G_TYPE_STRING, "landmarks",
                        "data_buffer", G_TYPE_VARIANT,
                        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, values.data(), sizeof values, 1), nullptr);
  GValue points = G_VALUE_INIT;
  gst_value_array_init(&points, static_cast<guint>(values.size()));
  for (const float value : values) {
    GValue one = G_VALUE_INIT;
    g_value_init(&one, G_TYPE_FLOAT);
    g_value_set_float(&one, value);
    gst_value_array_append_and_take_value(&points, &one);
  }
  gst_structure_take_value(param, "points", &points);
  return param;
}

/// `model`: who found it.
GstStructure* detection_structure(const FaceAnnotation& face, const Box& box, const GstVideoInfo& info, const char* model) {
  const auto width = static_cast<double>(info.width), height = static_cast<double>(info.height);
  return gst_structure_new("detection", "x_min", G_TYPE_DOUBLE, box.x / width, "x_max", G_TYPE_DOUBLE, (box.x + box.width) / width,
                           "y_min", G_TYPE_DOUBLE, box.y / height, "y_max", G_TYPE_DOUBLE, (box.y + box.height) / height,
                           "confidence", G_TYPE_DOUBLE, face.score, "label_id", G_TYPE_INT, 0, "label", G_TYPE_STRING, "face", "quality",
                           G_TYPE_DOUBLE, static_cast<double>(face.quality), "model_name", G_TYPE_STRING, model, "layer_name",
                           G_TYPE_STRING, "detection", nullptr);
}

ExpressionAnnotation read_expression(const GstStructure* param) {
  ExpressionAnnotation e;
  if (const char* label = gst_structure_get_string(param, "label")) e.label = label;
  if (const char* model = gst_structure_get_string(param, "model_name")) e.model_name = model;
  gst_structure_get_int(param, "label_id", &e.label_id);
  gst_structure_get_int(param, "frames_ago", &e.frames_ago);
  gst_structure_get_double(param, "confidence", &e.confidence);
  gst_structure_get_double(param, "entropy", &e.entropy);
  const GValue* value = gst_structure_get_value(param, "distribution");
  if (value != nullptr && GST_VALUE_HOLDS_STRUCTURE(value)) {
    const GstStructure* distribution = gst_value_get_structure(value);
    for (int i = 0; i < gst_structure_n_fields(distribution); ++i) {
      const char* name = gst_structure_nth_field_name(distribution, static_cast<guint>(i));
      double p = 0;
      if (gst_structure_get_double(distribution, name, &p)) e.distribution.emplace_back(name, p);
    }
  }
  return e;
}

FaceAnnotation read_face(GstBuffer* buffer, GstVideoRegionOfInterestMeta* region) {
  FaceAnnotation face;
  face.region_id = region->id;
  face.box = box_of(*region);
  face.track_id = track_of(region);
  face.upstream_id = upstream_of(region);
  if (const GstStructure* param = gst_video_region_of_interest_meta_get_param(region, "detection"))
    gst_structure_get_double(param, "confidence", &face.score);
  if (const GstStructure* param = gst_video_region_of_interest_meta_get_param(region, "expression"))
    face.expression = read_expression(param);
  if (const GstFmpnFaceMeta* meta = find_face_meta(buffer, region->id)) static_cast<FaceData&>(face) = *meta->data;
  return face;
}

/// Tracks count from 1: numbers below 0 are free for faces without one. What such a face is called by begins at what its maker calls it, so
/// that it may well be called the same on the next frame.
void identify(std::vector<FaceAnnotation>& faces) {
  std::set<int> taken{0};
  for (FaceAnnotation& face : faces)
    if (face.track_id > 0 && taken.insert(face.track_id).second) face.id = face.track_id;
  for (FaceAnnotation& face : faces) {
    if (face.id != 0) continue;
    const int own = face.upstream_id != 0 ? face.upstream_id : face.track_id != 0 ? face.track_id : face.region_id;
    int id = own > 0 ? -own : own;
    while (!taken.insert(id).second) id = id > std::numeric_limits<int>::min() ? id - 1 : -1;
    face.id = id;
  }
}

}  // namespace

std::vector<FaceAnnotation> read_faces(GstBuffer* buffer) {
  std::vector<FaceAnnotation> faces;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    auto* region = reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta);
    if (is_face_region(region)) faces.push_back(read_face(buffer, region));
  }
  identify(faces);
  return faces;
}

void retire_tracks(GstBuffer* buffer) {
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    auto* region = reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta);
    const int track = track_of(region);
    if (track == 0 || !is_face_region(region)) continue;
    GstStructure* param = gst_video_region_of_interest_meta_get_param(region, "object_id");
    gst_structure_remove_field(param, "id");
    gst_structure_set(param, "upstream_id", G_TYPE_INT, track, nullptr);
  }
}

void number_regions(GstBuffer* buffer) {
  std::set<gint> used{0};
  gint next = 1;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    auto* region = reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta);
    if (!is_face_region(region) || used.insert(region->id).second) continue;
    while (used.count(next) != 0) ++next;
    region->id = next;
    used.insert(next);
  }
}

void attach_face(GstBuffer* buffer, const FaceAnnotation& face, const GstVideoInfo& info) {
  GstVideoRegionOfInterestMeta* region = find_face_region(buffer, face.region_id);
  const bool foreign = region != nullptr;
  if (!foreign) {
    // Whole pixels that hold the box, inside the frame.
    const int x0 = std::clamp(static_cast<int>(face.box.x), 0, info.width - 1);
    const int y0 = std::clamp(static_cast<int>(face.box.y), 0, info.height - 1);
    const int x1 = std::clamp(static_cast<int>(face.box.x + face.box.width + 0.999F), x0 + 1, info.width);
    const int y1 = std::clamp(static_cast<int>(face.box.y + face.box.height + 0.999F), y0 + 1, info.height);
    region = gst_buffer_add_video_region_of_interest_meta(buffer, "face", static_cast<guint>(x0), static_cast<guint>(y0),
                                                          static_cast<guint>(x1 - x0), static_cast<guint>(y1 - y0));
    region->id = face.region_id;
  }
  complete_param(region, detection_structure(face, box_of(*region), info, foreign ? "unknown" : kDetectorName));
  if (face.track_id != 0) {
    const int before = track_of(region), upstream = before != 0 ? before : upstream_of(region);
    GstStructure* track = gst_structure_new("object_id", "id", G_TYPE_INT, face.track_id, nullptr);
    if (upstream != 0) gst_structure_set(track, "upstream_id", G_TYPE_INT, upstream, nullptr);
    set_param(region, track);
    attach_analytics_face(buffer, face, *region);
  }
  if (!face.landmarks) return;
  set_param(region, landmarks_structure(*face.landmarks, box_of(*region)));
  FaceData data = face;
  if (data.crop) data.crop_side = data.crop->width;
  if (GstFmpnFaceMeta* meta = find_face_meta(buffer, face.region_id)) *meta->data = std::move(data);
  else add_face_meta(buffer, face.region_id, std::move(data));
}

GstStructure* distribution_structure(const std::vector<std::pair<std::string, double>>& distribution) {
  GstStructure* structure = gst_structure_new_empty("distribution");
  for (const auto& [name, p] : distribution) gst_structure_set(structure, name.c_str(), G_TYPE_DOUBLE, p, nullptr);
  return structure;
}

void attach_expression(GstBuffer* buffer, int region_id, const ExpressionAnnotation& e) {
  GstVideoRegionOfInterestMeta* region = find_face_region(buffer, region_id);
  if (region == nullptr) throw Error(ErrorCode::kRuntime, "no face region " + std::to_string(region_id) + " on this buffer");
  GstStructure* param = gst_structure_new(
      "expression", "label", G_TYPE_STRING, e.label.c_str(), "label_id", G_TYPE_INT, e.label_id, "confidence", G_TYPE_DOUBLE,
      e.confidence, "model_name", G_TYPE_STRING, e.model_name.c_str(), "layer_name", G_TYPE_STRING, "cls",
      "attribute_name", G_TYPE_STRING, "expression", "type", G_TYPE_STRING, "classification_result", "entropy",
      G_TYPE_DOUBLE, e.entropy, "frames_ago", G_TYPE_INT, e.frames_ago, nullptr);
  GstStructure* distribution = distribution_structure(e.distribution);
  gst_structure_set(param, "distribution", GST_TYPE_STRUCTURE, distribution, nullptr);
  gst_structure_free(distribution);
  set_param(region, param);
  attach_analytics_expression(buffer, *region, e);
}

Affine warp_to_side(const Affine& warp, int from, int to) {
  const double scale = static_cast<double>(to) / from;
  Affine scaled = warp;
  for (double& coefficient : scaled) coefficient *= scale;
  return scaled;
}

void attach_mask(GstBuffer* buffer, int region_id, std::shared_ptr<const MotionMask> mask, int crop_side, int frames_ago,
                 std::weak_ptr<const void> maker) {
  GstFmpnFaceMeta* meta = find_face_meta(buffer, region_id);
  if (meta == nullptr) throw Error(ErrorCode::kRuntime, "no face meta " + std::to_string(region_id) + " on this buffer");
  meta->data->mask = std::move(mask);
  meta->data->mask_crop_side = crop_side, meta->data->mask_frames_ago = frames_ago;
  meta->data->mask_maker = std::move(maker);
  const GstVideoRegionOfInterestMeta* region = find_face_region(buffer, region_id);
  if (region != nullptr && meta->data->crop_side > 0 && meta->data->mask)
    attach_analytics_mask(buffer, *region, *meta->data->mask, warp_to_side(meta->data->warp, meta->data->crop_side, crop_side), crop_side);
}

}  // namespace fmpn::gst
