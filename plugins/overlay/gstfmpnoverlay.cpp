/**
 * SECTION:element-fmpnoverlay
 * @title: fmpnoverlay
 * @short_description: draws faces' boxes, expressions and motion masks
 *
 * Draws what is known of every face of a buffer: its box, the expression with its probability, bars of the whole
 * distribution, the five landmarks, and FMPN's motion mask as a heat map. It reads the regions of type `face` that
 * fmpnalign, fmpnmask and fmpnclassify write, and those of other elements (facedetect, gvadetect) as far as they go.
 *
 * Where downstream draws overlay compositions itself (OpenGL sinks do), the pixels are left alone and a small picture for
 * each face is attached to the buffer; elsewhere it is blended into the video, in whatever raw format the video is. Frames
 * without faces pass untouched.
 *
 * With #GstFmpnOverlay:anonymize the faces themselves are made unrecognisable in the video. This changes the pixels for
 * everything downstream. The aligned crops are taken out of FMPN's own metadata; boxes, landmarks, masks and results stay in it.
 *
 * ## Example
 * |[
 * gst-launch-1.0 v4l2src ! fmpnalign ! fmpnclassify ! fmpnoverlay ! autovideosink
 * ]|
 * The motion masks over the faces, no bars:
 * |[
 * gst-launch-1.0 filesrc location=interview.mp4 ! decodebin ! fmpnalign ! fmpnclassify ! fmpnoverlay show-mask=true \
 *     show-bars=false ! x264enc ! mp4mux ! filesink location=annotated.mp4
 * ]|
 * Hidden faces, visible expressions:
 * |[
 * gst-launch-1.0 v4l2src ! fmpnalign ! fmpnclassify ! fmpnoverlay anonymize=pixelate ! autovideosink
 * ]|
 */
#include "gstfmpnoverlay.h"

#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gst/video/video-overlay-composition.h>
#include <gst/video/video.h>

#include "anonymizer.h"
#include "common/element_guard.h"
#include "common/face_annotation.h"
#include "common/face_meta.h"
#include "common/metadata_element.h"
#include "common/raw_video.h"
#include "common/stream_timing.h"
#include "hidden_faces.h"
#include "overlay_blending.h"
#include "overlay_composition.h"
#include "overlay_negotiation.h"
#include "overlay_painter.h"

GST_DEBUG_CATEGORY_STATIC(gst_fmpn_overlay_debug);
#define GST_CAT_DEFAULT gst_fmpn_overlay_debug

namespace {

using namespace fmpn;
using namespace fmpn::gst;
using namespace fmpn::overlay;

struct Settings {
  PainterSettings painter;
  Anonymize anonymize = kDefaultAnonymize;
};

enum Property {
  PROP_0,
  PROP_FONT_DESC,
  PROP_LINE_WIDTH,
  PROP_PALETTE,
  PROP_SHOW_BOX,
  PROP_SHOW_LABEL,
  PROP_SHOW_BARS,
  PROP_SHOW_LANDMARKS,
  PROP_SHOW_MASK,
  PROP_MASK_OPACITY,
  PROP_ANONYMIZE,
};

struct State {
  Settings settings;  // guarded by the object lock

  // Set by a RECONFIGURE event from downstream's thread, read by the streaming thread.
  std::atomic<bool> settled{false};  ///< it is known whether downstream draws
  std::atomic<bool> refused{false};  ///< downstream took the feature, but does not draw: negotiate without it

  // The streaming thread's.
  Settings snapshot;  ///< of the buffer under way
  GstVideoInfo info{};
  bool attach = false;  ///< downstream draws
  std::optional<OverlayPainter> painter;
  CompositionBuilder builder;
  FrameClock clock;
  HiddenFaces hidden;
  std::vector<Box> to_hide;
  std::vector<std::pair<int, OverlayPicture>> to_draw;
};

OverlayFace drawable(const FaceAnnotation& face) {
  OverlayFace result;
  result.id = face.id;
  result.box = face.box;
  result.landmarks = face.landmarks;
  if (face.expression) {
    const ExpressionAnnotation& expression = *face.expression;
    result.expression = FaceExpression{expression.label, expression.confidence, expression.label == kUncertain,
                                       expression.distribution};
  }
  if (face.mask && face.crop_side > 0 && face.mask_crop_side > 0) {
    result.mask = face.mask;
    result.warp = warp_to_side(face.warp, face.crop_side, face.mask_crop_side);
    result.crop_side = face.mask_crop_side;
  }
  return result;
}

}  // namespace

struct _GstFmpnOverlay {
  GstBaseTransform parent;
  State* state;
};

#define GST_TYPE_FMPN_OVERLAY_PALETTE (gst_fmpn_overlay_palette_get_type())
static GType gst_fmpn_overlay_palette_get_type() {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(Palette::kOkabeIto), "Okabe and Ito's colours, told apart by the colour-blind", "okabe-ito"},
      {static_cast<gint>(Palette::kViridis), "Steps of the viridis ramp", "viridis"},
      {static_cast<gint>(Palette::kMono), "White", "mono"},
      {0, nullptr, nullptr}};
  static const GType kType = g_enum_register_static("GstFmpnOverlayPalette", kValues);
  return kType;
}

#define GST_TYPE_FMPN_OVERLAY_ANONYMIZE (gst_fmpn_overlay_anonymize_get_type())
static GType gst_fmpn_overlay_anonymize_get_type() {
  static const GEnumValue kValues[] = {
      {static_cast<gint>(Anonymize::kNone), "Leave faces as they are", "none"},
      {static_cast<gint>(Anonymize::kBlur), "Blur faces strongly", "blur"},
      {static_cast<gint>(Anonymize::kPixelate), "Replace faces by coarse blocks", "pixelate"},
      {static_cast<gint>(Anonymize::kBox), "Black out faces", "box"},
      {0, nullptr, nullptr}};
  static const GType kType = g_enum_register_static("GstFmpnOverlayAnonymize", kValues);
  return kType;
}

G_DEFINE_TYPE(GstFmpnOverlay, gst_fmpn_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(fmpnoverlay, "fmpnoverlay", GST_RANK_NONE, GST_TYPE_FMPN_OVERLAY)

static State& state_of(gpointer self) { return *GST_FMPN_OVERLAY(self)->state; }

static Settings settings_of(gpointer self) {
  GST_OBJECT_LOCK(self);
  Settings settings = state_of(self).settings;
  GST_OBJECT_UNLOCK(self);
  return settings;
}

static void gst_fmpn_overlay_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Settings& s = state_of(object).settings;
  bool formats_changed = false;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_FONT_DESC: {
      const char* font = g_value_get_string(value);
      s.painter.font_desc = font != nullptr ? font : kDefaultFontDesc;
      break;
    }
    case PROP_LINE_WIDTH: s.painter.line_width = g_value_get_double(value); break;
    case PROP_PALETTE: s.painter.palette = static_cast<Palette>(g_value_get_enum(value)); break;
    case PROP_SHOW_BOX: s.painter.show_box = g_value_get_boolean(value); break;
    case PROP_SHOW_LABEL: s.painter.show_label = g_value_get_boolean(value); break;
    case PROP_SHOW_BARS: s.painter.show_bars = g_value_get_boolean(value); break;
    case PROP_SHOW_LANDMARKS: s.painter.show_landmarks = g_value_get_boolean(value); break;
    case PROP_SHOW_MASK: s.painter.show_mask = g_value_get_boolean(value); break;
    case PROP_MASK_OPACITY: s.painter.mask_opacity = g_value_get_double(value); break;
    case PROP_ANONYMIZE: {
      const auto how = static_cast<Anonymize>(g_value_get_enum(value));
      formats_changed = (how == Anonymize::kNone) != (s.anonymize == Anonymize::kNone);
      s.anonymize = how;
      break;
    }
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
  // Hiding narrows the formats that upstream may send.
  if (formats_changed) gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(object));
}

static void gst_fmpn_overlay_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const Settings s = settings_of(object);
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
}

static void gst_fmpn_overlay_finalize(GObject* object) {
  delete GST_FMPN_OVERLAY(object)->state;
  G_OBJECT_CLASS(gst_fmpn_overlay_parent_class)->finalize(object);
}

static gboolean gst_fmpn_overlay_stop(GstBaseTransform* base) {
  State& s = state_of(base);
  s.painter.reset();
  s.builder.clear();
  s.clock.reset();
  s.hidden.reset();
  s.to_hide.clear();
  s.to_draw.clear();
  s.settled = false;
  s.refused = false;
  return TRUE;
}

static GstCaps* gst_fmpn_overlay_transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps,
                                                GstCaps* filter) {
  return transformed_caps(direction, caps, filter, settings_of(base).anonymize != Anonymize::kNone);
}

static GstCaps* gst_fmpn_overlay_fixate_caps(GstBaseTransform* base, GstPadDirection, GstCaps*, GstCaps* othercaps) {
  return chosen_caps(othercaps, !state_of(base).refused);
}

static gboolean gst_fmpn_overlay_set_caps(GstBaseTransform* base, GstCaps* caps, GstCaps*) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = state_of(base);
    const Size before{s.info.width, s.info.height};
    s.info = raw_video_of(caps);
    if (s.info.width != before.width || s.info.height != before.height) s.hidden.reset();  // places in another picture
    s.settled = false;
    return TRUE;
  });
}

// Learns whether downstream draws. False: it does not, but has the feature in its caps; negotiate once more.
static bool settle(GstBaseTransform* base) {
  State& s = state_of(base);
  GstCaps* in = gst_pad_get_current_caps(GST_BASE_TRANSFORM_SINK_PAD(base));
  GstCaps* out = gst_pad_get_current_caps(GST_BASE_TRANSFORM_SRC_PAD(base));
  const bool feature = has_overlay_feature(out);
  // The flag first: a RECONFIGURE that comes in meanwhile must not be lost.
  s.settled = true;
  s.attach = feature && downstream_draws(GST_BASE_TRANSFORM_SRC_PAD(base), out);
  // Where upstream brought the feature, the caps have to keep it.
  const bool again = feature && !s.attach && !has_overlay_feature(in) && !s.refused;
  if (again) s.refused = true;
  gst_caps_replace(&in, nullptr);
  gst_caps_replace(&out, nullptr);
  GST_INFO_OBJECT(base, "overlays are %s", s.attach ? "attached to the buffers" : "blended into the video");
  return !again;
}

static gboolean gst_fmpn_overlay_sink_event(GstBaseTransform* base, GstEvent* event) {
  const auto handle = GST_BASE_TRANSFORM_CLASS(gst_fmpn_overlay_parent_class)->sink_event;
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    state_of(base).clock.reset();
    state_of(base).hidden.reset();
  }
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return handle(base, event);
  state_of(base).refused = false;
  GstEvent* kept = gst_event_ref(event);
  gboolean handled = handle(base, event);
  // Negotiated before the first buffer, so that no buffer flows with caps that are about to change.
  if (handled && !settle(base)) {
    handled = handle(base, gst_event_ref(kept));
    if (handled) settle(base);
  }
  gst_event_unref(kept);
  return handled;
}

static gboolean gst_fmpn_overlay_src_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE) {
    state_of(base).refused = false;
    state_of(base).settled = false;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_overlay_parent_class)->src_event(base, event);
}

static void paint_faces(State& s, const std::vector<FaceAnnotation>& faces) {
  if (s.painter) s.painter->set(s.snapshot.painter);
  else s.painter.emplace(s.snapshot.painter);
  const Size frame{GST_VIDEO_INFO_WIDTH(&s.info), GST_VIDEO_INFO_HEIGHT(&s.info)};
  for (const FaceAnnotation& face : faces) {
    const OverlayFace shown = drawable(face);
    std::vector<Box> others;
    for (const FaceAnnotation& other : faces) {
      if (&other != &face) others.push_back(other.box);
    }
    if (auto picture = s.painter->paint(shown, frame, others)) s.to_draw.emplace_back(shown.id, std::move(*picture));
  }
  s.painter->end_frame();
}

// Decides what is to be done: only a buffer on which something is will be made writable.
static GstFlowReturn gst_fmpn_overlay_prepare_output_buffer(GstBaseTransform* base, GstBuffer* input, GstBuffer** output) {
  return guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    State& s = state_of(base);
    // Only after a RECONFIGURE; the caps event has settled it else.
    if (!s.settled && !settle(base)) gst_base_transform_reconfigure_src(base);
    const GstClockTime time = stream_time_of(base->segment, input);
    if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
    s.snapshot = settings_of(base);
    s.to_hide.clear();
    s.to_draw.clear();
    const std::vector<FaceAnnotation> faces = read_faces(input);
    // Kept also while nothing is hidden: anonymising may be switched on for the very next frame.
    std::vector<std::pair<int, Box>> places;
    for (const FaceAnnotation& face : faces) {
      const int track = face.track_id != 0 || face.upstream_id != 0 ? face.id : 0;  // whoever tracks the face
      places.emplace_back(track, face.box);
      for (const Box& other : face.other_places) places.emplace_back(track, other);
    }
    std::vector<Box> hidden = s.hidden.update(places, s.clock.at(base->segment, input, s.info));
    if (s.snapshot.anonymize != Anonymize::kNone) s.to_hide = std::move(hidden);
    paint_faces(s, faces);
    GST_LOG_OBJECT(base, "%zu faces: %zu to hide, %zu to draw", faces.size(), s.to_hide.size(), s.to_draw.size());
    const bool idle = s.to_hide.empty() && s.to_draw.empty();
    *output = idle || gst_buffer_is_writable(input) ? input : gst_buffer_copy(input);
    return GST_FLOW_OK;
  });
}

static void attach_composition(GstBuffer* buffer, State& s) {
  // Sinks look at the first composition of a buffer: what upstream has attached and ours become one.
  auto* meta = gst_buffer_get_video_overlay_composition_meta(buffer);
  CompositionPtr composition = s.builder.build(s.to_draw, meta != nullptr ? meta->overlay : nullptr);
  if (meta != nullptr) gst_buffer_remove_video_overlay_composition_meta(buffer, meta);
  gst_buffer_add_video_overlay_composition_meta(buffer, composition.get());
}

static void blend_pictures(const std::vector<std::pair<int, OverlayPicture>>& pictures, GstVideoFrame& frame) {
  for (const auto& [id, picture] : pictures) {
    if (!blend(picture, frame)) {
      throw Error(ErrorCode::kRuntime,
                  std::string("overlays cannot be blended into video of the format ") + GST_VIDEO_INFO_NAME(&frame.info));
    }
  }
}

static GstFlowReturn gst_fmpn_overlay_transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    State& s = state_of(base);
    if ((!s.attach && !s.to_draw.empty()) || !s.to_hide.empty()) {
      MappedFrame frame(s.info, buffer, GST_MAP_READWRITE);
      for (const Box& box : s.to_hide) hide_face(&frame.get(), box, s.snapshot.anonymize);
      if (!s.to_hide.empty()) drop_crops(buffer);  // the faces' own pictures travel beside the frame, even through encoders
      if (!s.attach) blend_pictures(s.to_draw, frame.get());
    }
    if (s.attach && !s.to_draw.empty()) attach_composition(buffer, s);
    return GST_FLOW_OK;
  });
}

static void install_properties(GObjectClass* object) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING |
                                              GST_PARAM_CONTROLLABLE);
  const auto install = [&](Property id, GParamSpec* spec) { g_object_class_install_property(object, id, spec); };
  install(PROP_FONT_DESC,
          g_param_spec_string("font-desc", "Font description",
                              "Pango font description, e.g. \"Sans Bold\"; without a size the text follows the face's size, "
                              "with one (\"Sans Bold 14\") it keeps it",
                              kDefaultFontDesc, flags));
  install(PROP_LINE_WIDTH, g_param_spec_double("line-width", "Line width",
                                               "Width of the box's lines in pixels; 0 follows the face's size", 0, 64,
                                               kDefaultLineWidth, flags));
  install(PROP_PALETTE,
          g_param_spec_enum("palette", "Palette", "Colours of the expressions; a class has the same colour everywhere",
                            GST_TYPE_FMPN_OVERLAY_PALETTE, static_cast<gint>(kDefaultPalette), flags));
  install(PROP_SHOW_BOX, g_param_spec_boolean("show-box", "Show box", "Draw a box around each face", kDefaultShowBox, flags));
  install(PROP_SHOW_LABEL, g_param_spec_boolean("show-label", "Show label", "Write each face's expression and its probability",
                                                kDefaultShowLabel, flags));
  install(PROP_SHOW_BARS, g_param_spec_boolean("show-bars", "Show bars", "Draw the probabilities of all classes as bars",
                                               kDefaultShowBars, flags));
  install(PROP_SHOW_LANDMARKS,
          g_param_spec_boolean("show-landmarks", "Show landmarks", "Draw the five landmarks that the alignment uses",
                               kDefaultShowLandmarks, flags));
  install(PROP_SHOW_MASK,
          g_param_spec_boolean("show-mask", "Show mask", "Draw the facial-motion mask as a heat map over each face",
                               kDefaultShowMask, flags));
  install(PROP_MASK_OPACITY, g_param_spec_double("mask-opacity", "Mask opacity", "Opacity of the heat map where the mask is 1",
                                                 0, 1, kDefaultMaskOpacity, flags));
  install(PROP_ANONYMIZE,
          g_param_spec_enum("anonymize", "Anonymize",
                            "Make faces unrecognisable in the video itself, before anything is drawn",
                            GST_TYPE_FMPN_OVERLAY_ANONYMIZE, static_cast<gint>(kDefaultAnonymize), flags));
}

static void gst_fmpn_overlay_class_init(GstFmpnOverlayClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_overlay_set_property;
  object->get_property = gst_fmpn_overlay_get_property;
  object->finalize = gst_fmpn_overlay_finalize;
  install_properties(object);
  gst_type_mark_as_plugin_api(GST_TYPE_FMPN_OVERLAY_PALETTE, static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(GST_TYPE_FMPN_OVERLAY_ANONYMIZE, static_cast<GstPluginAPIFlags>(0));

  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Facial expression overlay", "Filter/Editor/Video",
                                        "Draws faces' boxes, expressions and motion masks, and hides faces on request",
                                        "FMPN");
  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  make_metadata_element(base);  // pad templates, allocation; what follows replaces the rest
  base->stop = gst_fmpn_overlay_stop;
  base->transform_caps = gst_fmpn_overlay_transform_caps;
  base->fixate_caps = gst_fmpn_overlay_fixate_caps;
  base->set_caps = gst_fmpn_overlay_set_caps;
  base->sink_event = gst_fmpn_overlay_sink_event;
  base->src_event = gst_fmpn_overlay_src_event;
  base->prepare_output_buffer = gst_fmpn_overlay_prepare_output_buffer;
  base->transform_ip = gst_fmpn_overlay_transform_ip;
  GST_DEBUG_CATEGORY_INIT(gst_fmpn_overlay_debug, "fmpnoverlay", 0, "fmpnoverlay element");
}

static void gst_fmpn_overlay_init(GstFmpnOverlay* self) { self->state = new State; }
