/**
 * SECTION:element-fmpnoverlay
 * @title: fmpnoverlay
 * @short_description: draws faces, expressions and motion masks on the video
 *
 * Draws what fmpnalign, fmpnmask and fmpnclassify have attached: box, label with confidence, bars of the whole distribution,
 * landmarks, and the motion mask as a heat map. Where downstream takes overlay compositions the drawing is attached as one,
 * else it is blended into the picture. A frame without a face passes untouched.
 *
 * `anonymize` makes the faces themselves unrecognisable, always in the picture itself.
 *
 * ## Example
 * |[
 * gst-launch-1.0 v4l2src ! fmpnalign ! fmpnclassify ! fmpnoverlay show-mask=true anonymize=none ! autovideosink
 * ]|
 */
#include "gstfmpnoverlay.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <fmpn/error.h>

#include "anonymizer.h"
#include "common/element_guard.h"
#include "common/face_annotation.h"
#include "common/metadata_element.h"
#include "overlay_composition.h"
#include "overlay_painter.h"

GST_DEBUG_CATEGORY_STATIC(gst_fmpn_overlay_debug);
#define GST_CAT_DEFAULT gst_fmpn_overlay_debug

namespace {

using namespace fmpn;
using namespace fmpn::overlay;

constexpr Anonymize kDefaultAnonymize = Anonymize::kNone;
// A face that is lost from one frame to the next is most often still there: its place stays hidden for so many frames.
constexpr int kHideOnFrames = 15;

enum Property { PROP_0, PROP_FONT_DESC, PROP_LINE_WIDTH, PROP_PALETTE, PROP_SHOW_BOX, PROP_SHOW_LABEL, PROP_SHOW_BARS, PROP_SHOW_LANDMARKS, PROP_SHOW_MASK, PROP_MASK_OPACITY, PROP_ANONYMIZE };

struct Settings {
  PainterSettings painter;
  Anonymize anonymize = kDefaultAnonymize;
};

struct HiddenPlace {
  Rect area;
  int frames_left = 0;
};

struct State {
  Settings settings;  // guarded by the object lock; everything below belongs to the streaming thread
  GstVideoInfo info{};
  std::optional<OverlayPainter> painter;
  std::vector<HiddenPlace> hidden;
  bool attach = false;  ///< downstream takes compositions
  bool attach_is_known = false;
};

GType palette_type() {
  static const GEnumValue values[] = {{static_cast<gint>(Palette::kOkabeIto), "Okabe and Ito: told apart with any colour vision", "okabe-ito"},
                                      {static_cast<gint>(Palette::kViridis), "viridis: ordered by lightness", "viridis"},
                                      {static_cast<gint>(Palette::kMono), "white", "mono"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstFmpnOverlayPalette", values);
  return type;
}

GType anonymize_type() {
  static const GEnumValue values[] = {{static_cast<gint>(Anonymize::kNone), "faces are shown", "none"},
                                      {static_cast<gint>(Anonymize::kBlur), "faces are blurred", "blur"},
                                      {static_cast<gint>(Anonymize::kPixelate), "faces become a few blocks", "pixelate"},
                                      {static_cast<gint>(Anonymize::kBox), "faces are covered", "box"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstFmpnAnonymize", values);
  return type;
}

}  // namespace

struct _GstFmpnOverlay {
  GstBaseTransform parent;
  State* state;
};

G_DEFINE_TYPE(GstFmpnOverlay, gst_fmpn_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(fmpnoverlay, "fmpnoverlay", GST_RANK_NONE, GST_TYPE_FMPN_OVERLAY)

static void gst_fmpn_overlay_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Settings& s = GST_FMPN_OVERLAY(object)->state->settings;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_FONT_DESC: s.painter.font_desc = g_value_get_string(value) != nullptr ? g_value_get_string(value) : kDefaultFontDesc; break;
    case PROP_LINE_WIDTH: s.painter.line_width = g_value_get_double(value); break;
    case PROP_PALETTE: s.painter.palette = static_cast<Palette>(g_value_get_enum(value)); break;
    case PROP_SHOW_BOX: s.painter.show_box = g_value_get_boolean(value); break;
    case PROP_SHOW_LABEL: s.painter.show_label = g_value_get_boolean(value); break;
    case PROP_SHOW_BARS: s.painter.show_bars = g_value_get_boolean(value); break;
    case PROP_SHOW_LANDMARKS: s.painter.show_landmarks = g_value_get_boolean(value); break;
    case PROP_SHOW_MASK: s.painter.show_mask = g_value_get_boolean(value); break;
    case PROP_MASK_OPACITY: s.painter.mask_opacity = g_value_get_double(value); break;
    case PROP_ANONYMIZE: s.anonymize = static_cast<Anonymize>(g_value_get_enum(value)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_overlay_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const Settings& s = GST_FMPN_OVERLAY(object)->state->settings;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_FONT_DESC: g_value_set_string(value, s.painter.font_desc.c_str()); break;
    case PROP_LINE_WIDTH: g_value_set_double(value, s.painter.line_width); break;
    case PROP_PALETTE: g_value_set_enum(value, static_cast<gint>(s.painter.palette)); break;
    case PROP_SHOW_BOX: g_value_set_boolean(value, s.painter.show_box); break;
    case PROP_SHOW_LABEL: g_value_set_boolean(value, s.painter.show_label); break;
    case PROP_SHOW_BARS: g_value_set_boolean(value, s.painter.show_bars); break;
    case PROP_SHOW_LANDMARKS: g_value_set_boolean(value, s.painter.show_landmarks); break;
    case PROP_SHOW_MASK: g_value_set_boolean(value, s.painter.show_mask); break;
    case PROP_MASK_OPACITY: g_value_set_double(value, s.painter.mask_opacity); break;
    case PROP_ANONYMIZE: g_value_set_enum(value, static_cast<gint>(s.anonymize)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_overlay_finalize(GObject* object) {
  delete GST_FMPN_OVERLAY(object)->state;
  G_OBJECT_CLASS(gst_fmpn_overlay_parent_class)->finalize(object);
}

static gboolean gst_fmpn_overlay_stop(GstBaseTransform* base) {
  State& s = *GST_FMPN_OVERLAY(base)->state;
  s.painter.reset();
  s.hidden.clear();
  return TRUE;
}

static gboolean gst_fmpn_overlay_set_caps(GstBaseTransform* base, GstCaps* caps, GstCaps*) {
  return fmpn::gst::guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = *GST_FMPN_OVERLAY(base)->state;
    if (!gst_video_info_from_caps(&s.info, caps)) throw Error(ErrorCode::kBadSetting, "caps that are no raw video");
    s.attach_is_known = false;
    s.hidden.clear();
    return TRUE;
  });
}

/// As GStreamer's text overlays: a composition that rides on the buffer spares the blending, where downstream draws it.
static bool downstream_takes_compositions(GstBaseTransform* base) {
  GstCaps* caps = gst_pad_get_current_caps(GST_BASE_TRANSFORM_SRC_PAD(base));
  if (caps == nullptr) return false;
  GstQuery* query = gst_query_new_allocation(caps, FALSE);
  const bool takes = gst_pad_peer_query(GST_BASE_TRANSFORM_SRC_PAD(base), query) &&
                     gst_query_find_allocation_meta(query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr);
  gst_query_unref(query);
  gst_caps_unref(caps);
  return takes;
}

static OverlayFace to_overlay_face(const fmpn::gst::FaceAnnotation& face) {
  OverlayFace shown;
  shown.id = face.region_id;
  shown.box = face.box;
  shown.landmarks = face.landmarks;
  if (face.expression)
    shown.expression = FaceExpression{face.expression->label, face.expression->confidence, face.expression->label == fmpn::gst::kUncertain, face.expression->distribution};
  if (face.mask && face.crop) {
    shown.mask = *face.mask;
    shown.warp = face.warp;
    shown.crop_side = face.crop->width;
  }
  return shown;
}

/// A mapped frame for writing.
class WritableFrame {
 public:
  WritableFrame(const GstVideoInfo& info, GstBuffer* buffer) {
    if (!gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READWRITE)) throw Error(ErrorCode::kRuntime, "a buffer cannot be mapped for drawing");
  }
  ~WritableFrame() { gst_video_frame_unmap(&frame_); }
  WritableFrame(const WritableFrame&) = delete;
  WritableFrame& operator=(const WritableFrame&) = delete;
  GstVideoFrame* get() { return &frame_; }

 private:
  GstVideoFrame frame_;
};

static void hide_faces(State& s, GstBuffer* buffer, const std::vector<fmpn::gst::FaceAnnotation>& faces, Anonymize how) {
  for (HiddenPlace& place : s.hidden) --place.frames_left;
  s.hidden.erase(std::remove_if(s.hidden.begin(), s.hidden.end(), [](const HiddenPlace& place) { return place.frames_left <= 0; }), s.hidden.end());
  for (const auto& face : faces) {
    const Rect box{static_cast<int>(face.box.x), static_cast<int>(face.box.y), static_cast<int>(face.box.width), static_cast<int>(face.box.height)};
    const Rect area = hidden_area(box, {s.info.width, s.info.height});
    // The face is seen: the places where it was a moment ago need no cover any more.
    s.hidden.erase(std::remove_if(s.hidden.begin(), s.hidden.end(), [&](const HiddenPlace& place) { return !intersection(place.area, area).empty(); }), s.hidden.end());
    s.hidden.push_back({area, kHideOnFrames});
  }
  if (s.hidden.empty()) return;
  WritableFrame frame(s.info, buffer);
  for (const HiddenPlace& place : s.hidden) hide(frame.get(), place.area, how);
}

static void draw(State& s, GstBuffer* buffer, const std::vector<fmpn::gst::FaceAnnotation>& faces) {
  std::vector<OverlayPicture> pictures;
  for (const auto& face : faces) {
    std::vector<Box> others;
    for (const auto& other : faces)
      if (&other != &face) others.push_back(other.box);
    if (auto picture = s.painter->paint(to_overlay_face(face), {s.info.width, s.info.height}, others)) pictures.push_back(std::move(*picture));
  }
  s.painter->end_frame();
  if (pictures.empty()) return;
  GstVideoOverlayCompositionMeta* meta = gst_buffer_get_video_overlay_composition_meta(buffer);
  if (s.attach) {
    GstVideoOverlayComposition* composition = make_composition(pictures, meta != nullptr ? meta->overlay : nullptr);
    if (meta != nullptr) gst_buffer_remove_video_overlay_composition_meta(buffer, meta);
    gst_buffer_add_video_overlay_composition_meta(buffer, composition);
    gst_video_overlay_composition_unref(composition);
    return;
  }
  GstVideoOverlayComposition* composition = make_composition(pictures, nullptr);
  {
    WritableFrame frame(s.info, buffer);
    gst_video_overlay_composition_blend(composition, frame.get());
  }
  gst_video_overlay_composition_unref(composition);
}

static GstFlowReturn gst_fmpn_overlay_transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return fmpn::gst::guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    State& s = *GST_FMPN_OVERLAY(base)->state;
    GST_OBJECT_LOCK(base);
    const Settings settings = s.settings;
    GST_OBJECT_UNLOCK(base);
    if (!s.painter || !(s.painter->settings() == settings.painter)) s.painter.emplace(settings.painter);
    if (!s.attach_is_known || gst_pad_check_reconfigure(GST_BASE_TRANSFORM_SRC_PAD(base))) {
      s.attach = downstream_takes_compositions(base);
      s.attach_is_known = true;
      GST_INFO_OBJECT(base, "drawing is %s", s.attach ? "attached" : "blended");
    }
    const auto faces = fmpn::gst::read_faces(buffer);
    if (settings.anonymize != Anonymize::kNone) {
      if (!can_hide(s.info.finfo))
        throw Error(ErrorCode::kBadSetting, std::string("anonymize does not work on raw video format ") + GST_VIDEO_INFO_NAME(&s.info) + "; 8-bit formats without tiles do");
      hide_faces(s, buffer, faces, settings.anonymize);
    }
    draw(s, buffer, faces);
    return GST_FLOW_OK;
  });
}

static void gst_fmpn_overlay_class_init(GstFmpnOverlayClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_overlay_set_property;
  object->get_property = gst_fmpn_overlay_get_property;
  object->finalize = gst_fmpn_overlay_finalize;
  // All of them take effect on the next frame.
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE);
  const auto install = [&](Property id, GParamSpec* spec) { g_object_class_install_property(object, id, spec); };
  install(PROP_FONT_DESC, g_param_spec_string("font-desc", "Font description", "Pango's, such as \"Sans Bold\"; without a size the text follows the face's size", kDefaultFontDesc, flags));
  install(PROP_LINE_WIDTH, g_param_spec_double("line-width", "Line width", "Of the box, in pixels; 0: follows the face's size", 0, 100, kDefaultLineWidth, flags));
  install(PROP_PALETTE, g_param_spec_enum("palette", "Palette", "Colours of the expressions", palette_type(), static_cast<gint>(kDefaultPalette), flags));
  install(PROP_SHOW_BOX, g_param_spec_boolean("show-box", "Show box", "Draw the face's box", kDefaultShowBox, flags));
  install(PROP_SHOW_LABEL, g_param_spec_boolean("show-label", "Show label", "Write the expression and its confidence", kDefaultShowLabel, flags));
  install(PROP_SHOW_BARS, g_param_spec_boolean("show-bars", "Show bars", "Draw the whole distribution as bars", kDefaultShowBars, flags));
  install(PROP_SHOW_LANDMARKS, g_param_spec_boolean("show-landmarks", "Show landmarks", "Draw eyes, nose and mouth corners as dots", kDefaultShowLandmarks, flags));
  install(PROP_SHOW_MASK, g_param_spec_boolean("show-mask", "Show mask", "Draw the facial-motion mask as a heat map", kDefaultShowMask, flags));
  install(PROP_MASK_OPACITY, g_param_spec_double("mask-opacity", "Mask opacity", "Of the heat map where the mask is 1", 0, 1, kDefaultMaskOpacity, flags));
  install(PROP_ANONYMIZE, g_param_spec_enum("anonymize", "Anonymize", "Make the faces unrecognisable in the picture", anonymize_type(), static_cast<gint>(kDefaultAnonymize), flags));
  gst_type_mark_as_plugin_api(palette_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(anonymize_type(), static_cast<GstPluginAPIFlags>(0));

  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Expression overlay", "Filter/Editor/Video", "Draws faces, expressions and motion masks on the video", "FMPN");
  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  fmpn::gst::make_metadata_element(base);
  base->stop = gst_fmpn_overlay_stop;
  base->set_caps = gst_fmpn_overlay_set_caps;
  base->transform_ip = gst_fmpn_overlay_transform_ip;
  GST_DEBUG_CATEGORY_INIT(gst_fmpn_overlay_debug, "fmpnoverlay", 0, "fmpnoverlay element");
}

static void gst_fmpn_overlay_init(GstFmpnOverlay* self) { self->state = new State; }
