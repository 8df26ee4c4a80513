/**
 * SECTION:element-fmpnalign
 * @title: fmpnalign
 * @short_description: finds faces, follows them, and aligns them for expression recognition
 *
 * Attaches to every face of a frame a #GstVideoRegionOfInterestMeta of type `face` with the params `detection`
 * (normalised box, score, quality), `object_id` (a stable track id, never 0) and `landmarks` (five points, normalised to the
 * region), and FMPN's own meta with the aligned crop. The pixels are never changed, and never copied.
 *
 * Where an element upstream (facedetect, gvadetect, …) has attached regions of type `face` already, these are aligned and
 * followed instead of the own detector's, `max-faces` of them, the largest first.
 *
 * Frames that an `image-orientation` tag calls turned or mirrored are searched upright; boxes, landmarks and warps are
 * those of the frame as it is. Behind a `videoflip video-direction=auto` set `use-orientation=false`: that of GStreamer 1.22
 * turns the frames, and lets the tag pass. When QoS events say that frames come late, full detections are put off, and faces
 * only followed, unless `detect-interval` is 1.
 *
 * ## Example
 * |[
 * gst-launch-1.0 v4l2src ! fmpnalign ! fmpnclassify ! fmpnoverlay ! autovideosink
 * ]|
 */
#include "gstfmpnalign.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <fmpn/face_tracker.h>

#include "common/element_guard.h"
#include "common/face_annotation.h"
#include "common/face_region.h"
#include "common/frame_reader.h"
#include "common/metadata_element.h"
#include "common/raw_video.h"
#include "common/stream_timing.h"
#include "upright.h"

GST_DEBUG_CATEGORY_STATIC(gst_fmpn_align_debug);
#define GST_CAT_DEFAULT gst_fmpn_align_debug

namespace {

using namespace fmpn;
using namespace fmpn::gst;

struct Settings {
  AlignerOptions aligner;
  TrackerOptions tracker;
  bool use_regions = true;
  bool use_orientation = true;
};
const Settings kDefaults;

enum Property {
  PROP_0,
  PROP_LANDMARK_MODEL,
  PROP_CROP_SIZE,
  PROP_DETECT_INTERVAL,
  PROP_MIN_FACE_SIZE,
  PROP_MAX_FACES,
  PROP_DETECTION_THRESHOLD,
  PROP_USE_REGIONS,
  PROP_USE_ORIENTATION,
};

struct State {
  Settings settings;                         // guarded by the object lock
  ProcessingLatency latency{kSinkDeadline};  // thread safe; of our elements the one that is always there, and that takes most
  LateFrames lateness;                       // thread safe
  // Everything below belongs to the streaming thread.
  bool use_regions = true, use_orientation = true;
  int max_faces = 0;
  std::unique_ptr<FaceTracker> tracker;
  FrameReader reader;
  GstVideoInfo info{};
  GstVideoOrientationMethod orientation = GST_VIDEO_ORIENTATION_IDENTITY;
  Upright upright;
  FrameClock clock;
  StreamPosition position;
  guint64 frames = 0;
};

constexpr float kSmallestRegion = 4;  // pixels a side; in less than that landmarks fall together

/// The regions in which there can be a face: neither tiny nor far larger than the frame, their middle inside it; at most max_faces, in
/// the order of the buffer.
std::vector<FaceAnnotation> usable(std::vector<FaceAnnotation> regions, const GstVideoInfo& info, int max_faces) {
  const auto area = [](const FaceAnnotation& face) { return face.box.width * face.box.height; };
  const auto faceless = [&](const FaceAnnotation& face) {
    const float x = face.box.x + face.box.width / 2, y = face.box.y + face.box.height / 2;
    const auto width = static_cast<float>(info.width), height = static_cast<float>(info.height);
    return face.box.width < kSmallestRegion || face.box.height < kSmallestRegion || face.box.width > 2 * width ||
           face.box.height > 2 * height || x < 0 || y < 0 || x >= width || y >= height;
  };
  regions.erase(std::remove_if(regions.begin(), regions.end(), faceless), regions.end());
  if (regions.size() > static_cast<std::size_t>(max_faces)) {
    std::stable_sort(regions.begin(), regions.end(), [&](const auto& a, const auto& b) { return area(a) > area(b); });
    regions.resize(static_cast<std::size_t>(max_faces));
  }
  return regions;
}

}  // namespace

struct _GstFmpnAlign {
  GstBaseTransform parent;
  State* state;
};

G_DEFINE_TYPE(GstFmpnAlign, gst_fmpn_align, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(fmpnalign, "fmpnalign", GST_RANK_NONE, GST_TYPE_FMPN_ALIGN)

static void gst_fmpn_align_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Settings& s = GST_FMPN_ALIGN(object)->state->settings;
  note_if_late(object, spec);
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_LANDMARK_MODEL: {
      const char* path = g_value_get_string(value);
      s.aligner.landmark_model = path != nullptr ? path : "";
      break;
    }
    case PROP_CROP_SIZE: s.aligner.crop_size = g_value_get_int(value); break;
    case PROP_DETECT_INTERVAL: s.tracker.detect_interval = g_value_get_int(value); break;
    case PROP_MIN_FACE_SIZE: s.aligner.min_face_size = g_value_get_int(value); break;
    case PROP_MAX_FACES: s.aligner.max_faces = g_value_get_int(value); break;
    case PROP_DETECTION_THRESHOLD: s.aligner.detector_threshold = g_value_get_double(value); break;
    case PROP_USE_REGIONS: s.use_regions = g_value_get_boolean(value); break;
    case PROP_USE_ORIENTATION: s.use_orientation = g_value_get_boolean(value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_align_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const Settings& s = GST_FMPN_ALIGN(object)->state->settings;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_LANDMARK_MODEL: g_value_set_string(value, s.aligner.landmark_model.c_str()); break;
    case PROP_CROP_SIZE: g_value_set_int(value, s.aligner.crop_size); break;
    case PROP_DETECT_INTERVAL: g_value_set_int(value, s.tracker.detect_interval); break;
    case PROP_MIN_FACE_SIZE: g_value_set_int(value, s.aligner.min_face_size); break;
    case PROP_MAX_FACES: g_value_set_int(value, s.aligner.max_faces); break;
    case PROP_DETECTION_THRESHOLD: g_value_set_double(value, s.aligner.detector_threshold); break;
    case PROP_USE_REGIONS: g_value_set_boolean(value, s.use_regions); break;
    case PROP_USE_ORIENTATION: g_value_set_boolean(value, s.use_orientation); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_align_finalize(GObject* object) {
  delete GST_FMPN_ALIGN(object)->state;
  G_OBJECT_CLASS(gst_fmpn_align_parent_class)->finalize(object);
}

static gboolean gst_fmpn_align_start(GstBaseTransform* base) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = *GST_FMPN_ALIGN(base)->state;
    GST_OBJECT_LOCK(base);
    const Settings settings = s.settings;
    GST_OBJECT_UNLOCK(base);
    s.tracker = std::make_unique<FaceTracker>(settings.aligner, settings.tracker);
    s.use_regions = settings.use_regions;
    s.use_orientation = settings.use_orientation;
    s.max_faces = settings.aligner.max_faces;
    s.orientation = GST_VIDEO_ORIENTATION_IDENTITY;
    s.latency.reset();
    s.lateness.reset();
    s.clock.reset();
    s.position.reset();
    s.frames = 0;
    GST_INFO_OBJECT(base, "detection every %d frames, faces from %d px, crops of %d px", settings.tracker.detect_interval,
                    settings.aligner.min_face_size, settings.aligner.crop_size);
    return TRUE;
  });
}

static gboolean gst_fmpn_align_stop(GstBaseTransform* base) {
  State& s = *GST_FMPN_ALIGN(base)->state;
  s.tracker.reset();
  s.reader.release();
  return TRUE;
}

static gboolean gst_fmpn_align_set_caps(GstBaseTransform* base, GstCaps* caps, GstCaps*) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = *GST_FMPN_ALIGN(base)->state;
    const GstVideoInfo info = raw_video_of(caps);
    const bool resized = info.width != s.info.width || info.height != s.info.height;
    // The networks know no faces that are squeezed: those of anamorphic video get other expressions.
    if (info.par_n != info.par_d && (info.par_n != s.info.par_n || info.par_d != s.info.par_d)) {
      GST_ELEMENT_WARNING(base, STREAM, FORMAT, (nullptr),
                          ("the pixels are not square (%d:%d), so that faces are distorted; videoscale ! "
                           "video/x-raw,pixel-aspect-ratio=1/1 upstream makes them so", info.par_n, info.par_d));
    }
    s.info = info;
    s.reader.set_format(info);
    s.upright.set(s.orientation, info.width, info.height);
    // Places of another frame size mean nothing here.
    if (resized) s.tracker->reset();
    return TRUE;
  });
}

// A camera's or a file's word on how its frames have to be turned.
static void take_orientation(State& s, GstEvent* tags) {
  GstTagList* list = nullptr;
  gst_event_parse_tag(tags, &list);
  GstVideoOrientationMethod method = s.orientation;
  if (!gst_video_orientation_from_tag(list, &method) || method == s.orientation) return;
  s.orientation = method;
  s.upright.set(method, s.info.width, s.info.height);
  if (s.tracker) s.tracker->reset();
}

static gboolean gst_fmpn_align_sink_event(GstBaseTransform* base, GstEvent* event) {
  State& s = *GST_FMPN_ALIGN(base)->state;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_STOP:  // the next frame comes from elsewhere in the stream
      if (s.tracker) s.tracker->reset();
      s.lateness.reset();
      s.clock.reset();
      break;
    case GST_EVENT_STREAM_START:  // other people, and a camera held upright unless a tag says otherwise
      s.orientation = GST_VIDEO_ORIENTATION_IDENTITY;
      s.upright.set(s.orientation, s.info.width, s.info.height);
      if (s.tracker) s.tracker->reset();
      s.clock.reset();
      break;
    case GST_EVENT_SEGMENT:
      if (s.tracker && s.position.left_by(base->segment, event)) s.tracker->reset();
      break;
    case GST_EVENT_TAG:
      if (s.use_orientation) take_orientation(s, event);
      break;
    default: break;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_align_parent_class)->sink_event(base, event);
}

static gboolean gst_fmpn_align_src_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) GST_FMPN_ALIGN(base)->state->lateness.heed(event);
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_align_parent_class)->src_event(base, event);
}

static gboolean gst_fmpn_align_query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    return GST_FMPN_ALIGN(base)->state->latency.answer(base, query);
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_align_parent_class)->query(base, direction, query);
}

// The faces of a frame, in its own coordinates; `regions` are upstream's, in the order of the result.
static std::vector<TrackedFace> find_faces(State& s, const ImageView& frame, const std::vector<FaceAnnotation>& regions, double time,
                                           bool late) {
  const ImageView view = s.upright.turned(frame);
  std::vector<TrackedFace> faces;
  if (regions.empty()) {
    faces = s.tracker->track(view, time, late);
  } else {
    std::vector<Box> boxes;
    std::vector<double> scores;
    for (const FaceAnnotation& region : regions) boxes.push_back(s.upright.turned(region.box)), scores.push_back(region.score);
    faces = s.tracker->track_regions(view, boxes, scores, time);
  }
  for (TrackedFace& found : faces) s.upright.turn_back(found.face);
  return faces;
}

/// Crops that were cut from the luma become those of the frame itself; of the frame only their parts are converted.
static void colour_crops(FrameReader::Picture& picture, std::vector<TrackedFace>& faces) {
  std::vector<Box> parts;
  for (const TrackedFace& found : faces) parts.push_back(shown_by(found.face.warp, found.face.crop.width));
  if (parts.empty()) return;
  const ImageView frame = picture.view_of(parts);
  for (TrackedFace& found : faces) found.face.crop = warp_face(frame, found.face.warp, found.face.crop.width);
}

static GstFlowReturn gst_fmpn_align_transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    State& s = *GST_FMPN_ALIGN(base)->state;
    const gint64 begun = g_get_monotonic_time();
    const double time = s.clock.at(base->segment, buffer, s.info);
    const bool late = s.lateness.late(running_time_of(base->segment, buffer));
    s.position.note(base->segment, buffer, s.info);
    std::vector<FaceAnnotation> regions;
    retire_tracks(buffer);  // also of the regions that we don't follow: they could have the number of a face that we do
    if (s.use_regions) {
      number_regions(buffer);
      regions = usable(read_faces(buffer), s.info, s.max_faces);
    }
    const auto picture = s.reader.read(buffer);
    // Shapes are found in the luma. A frame that has to be turned is turned once, in colour.
    const auto luma = s.orientation == GST_VIDEO_ORIENTATION_IDENTITY ? picture->luma() : std::nullopt;
    std::vector<TrackedFace> faces = find_faces(s, luma ? *luma : picture->view(), regions, time, late);
    if (luma) colour_crops(*picture, faces);
    // Where upstream's regions are not used, or hold no face, ours must not take their ids.
    std::set<int> taken;
    if (regions.empty()) taken = region_ids(buffer);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      AlignedFace& found = faces[i].face;
      FaceAnnotation face;
      face.track_id = static_cast<int>(faces[i].id);
      face.region_id = regions.empty() ? face.track_id : regions[i].region_id;
      if (!regions.empty()) face.other_places = regions[i].other_places;
      while (regions.empty() && !taken.insert(face.region_id).second) ++face.region_id;
      face.first_seen = faces[i].first_seen;
      face.box = found.box;
      face.score = found.score;
      face.quality = found.quality;
      face.landmarks = found.landmarks;
      face.warp = found.warp;
      face.crop = std::make_shared<const Image>(std::move(found.crop));
      attach_face(buffer, face, s.info);
    }
    s.latency.add(GST_ELEMENT(base), static_cast<GstClockTime>(g_get_monotonic_time() - begun) * GST_USECOND);
    ++s.frames;
    GST_LOG_OBJECT(base, "frame %" G_GUINT64_FORMAT ": %zu faces", s.frames, faces.size());
    return GST_FLOW_OK;
  });
}

static void gst_fmpn_align_class_init(GstFmpnAlignClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_align_set_property;
  object->get_property = gst_fmpn_align_get_property;
  object->finalize = gst_fmpn_align_finalize;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto install = [&](Property id, GParamSpec* spec) { g_object_class_install_property(object, id, spec); };
  install(PROP_LANDMARK_MODEL,
          g_param_spec_string("landmark-model", "Landmark model",
                              "dlib shape predictor with 68 or 5 points; empty: $FMPN_LANDMARK_MODEL, else Debian's file", "", flags));
  install(PROP_CROP_SIZE, g_param_spec_int("crop-size", "Crop size",
                                           "Side of the aligned face in pixels; a model that needs another makes its own", 8,
                                           1024, kDefaults.aligner.crop_size, flags));
  install(PROP_DETECT_INTERVAL,
          g_param_spec_int("detect-interval", "Detect interval",
                           "Search the whole frame for faces every so many frames; in between each face is followed", 1, G_MAXINT,
                           kDefaults.tracker.detect_interval, flags));
  install(PROP_MIN_FACE_SIZE, g_param_spec_int("min-face-size", "Minimum face size",
                                               "Smaller faces are not looked for, in pixels; small values cost time", 16, 4096,
                                               kDefaults.aligner.min_face_size, flags));
  install(PROP_MAX_FACES, g_param_spec_int("max-faces", "Maximum faces", "At most so many faces a frame, the largest first", 1,
                                           G_MAXINT, kDefaults.aligner.max_faces, flags));
  install(PROP_DETECTION_THRESHOLD,
          g_param_spec_double("detection-threshold", "Detection threshold",
                              "Score that a detection needs (dlib's scale): higher gives fewer false faces", -2, 5,
                              kDefaults.aligner.detector_threshold, flags));
  install(PROP_USE_REGIONS,
          g_param_spec_boolean("use-regions", "Use regions",
                               "Align the regions of type face that upstream has attached, instead of searching", kDefaults.use_regions,
                               flags));
  install(PROP_USE_ORIENTATION,
          g_param_spec_boolean("use-orientation", "Use orientation",
                               "Search frames turned as an image-orientation tag says; false where upstream has turned them",
                               kDefaults.use_orientation, flags));

  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Face aligner", "Filter/Analyzer/Video",
                                        "Finds faces, follows them with stable ids, and aligns them for fmpnclassify", "FMPN");
  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  make_metadata_element(base);
  base->start = gst_fmpn_align_start;
  base->stop = gst_fmpn_align_stop;
  base->set_caps = gst_fmpn_align_set_caps;
  base->sink_event = gst_fmpn_align_sink_event;
  base->src_event = gst_fmpn_align_src_event;
  base->query = gst_fmpn_align_query;
  base->transform_ip = gst_fmpn_align_transform_ip;
  GST_DEBUG_CATEGORY_INIT(gst_fmpn_align_debug, "fmpnalign", 0, "fmpnalign element");
}

static void gst_fmpn_align_init(GstFmpnAlign* self) { self->state = new State; }
