#include "gstfmpninference.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include <fmpn/aligner.h>
#include <fmpn/error.h>

#include "common/element_guard.h"
#include "common/frame_reader.h"
#include "common/metadata_element.h"
#include "common/raw_video.h"
#include "common/stream_timing.h"
#include "inference_stats.h"

GST_DEBUG_CATEGORY_STATIC(gst_fmpn_inference_debug);
#define GST_CAT_DEFAULT gst_fmpn_inference_debug

namespace {

using namespace fmpn;
using namespace fmpn::gst;

enum Mode { MODE_AUTO, MODE_SYNC, MODE_ASYNC };
constexpr const char* kDefaultDevice = "cpu";
constexpr auto kDefaultPrecision = Precision::kAuto;
constexpr Mode kDefaultMode = MODE_AUTO;

constexpr double kCarried = 0.5;  // seconds that a result serves on frames that come too late: a sink may be late for good

enum Property { PROP_0, PROP_MODEL, PROP_DEVICE, PROP_PRECISION, PROP_THREADS, PROP_MODE };

struct State {
  // Settings, guarded by the object lock.
  std::string model;
  EngineOptions engine_options{kDefaultDevice, kDefaultPrecision};
  Mode mode = kDefaultMode;

  // Of one run, set by start(), belonging to the streaming thread.
  std::shared_ptr<const Engine> engine;
  Mode running_mode = kDefaultMode;
  std::unique_ptr<InferenceWorker> worker;  ///< null: sync
  bool mode_is_decided = false;
  GstVideoInfo info{};
  FrameReader reader;
  std::uint64_t frame = 0;
  FrameClock clock;
  StreamPosition position;
  std::map<int, FaceResult> last;  ///< by face, in sync mode: what a face carries on a frame that comes too late
  guint64 judged = 0, skipped = 0;  ///< frames
  bool told_unaligned = false;      ///< that there are faces which cannot be judged

  // Thread safe.
  InferenceStats stats;
  ProcessingLatency latency;
  LateFrames lateness;
};

GType mode_type() {
  static const GEnumValue values[] = {{MODE_AUTO, "async where the stream is live, else sync", "auto"},
                                      {MODE_SYNC, "every frame waits for its own result", "sync"},
                                      {MODE_ASYNC, "frames pass with the newest result there is", "async"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstFmpnMode", values);
  return type;
}

GType precision_type() {
  static const GEnumValue values[] = {{static_cast<gint>(Precision::kAuto), "the fastest that keeps the results", "auto"},
                                      {static_cast<gint>(Precision::kFp32), "32-bit floating point", "fp32"},
                                      {static_cast<gint>(Precision::kBf16), "bfloat16", "bf16"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstFmpnPrecision", values);
  return type;
}

}  // namespace

struct GstFmpnInferencePrivate {
  State* state;
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(GstFmpnInference, gst_fmpn_inference, GST_TYPE_BASE_TRANSFORM)

static State& state_of(gpointer self) {
  return *static_cast<GstFmpnInferencePrivate*>(gst_fmpn_inference_get_instance_private(static_cast<GstFmpnInference*>(self)))->state;
}

const std::shared_ptr<const Engine>& fmpn::gst::engine_of(GstFmpnInference* self) { return state_of(self).engine; }

static void gst_fmpn_inference_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& s = state_of(object);
  note_if_late(object, spec);
  const auto text = [&] { return std::string(g_value_get_string(value) != nullptr ? g_value_get_string(value) : ""); };
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_MODEL: s.model = text(); break;
    case PROP_DEVICE: s.engine_options.device = text(); break;
    case PROP_PRECISION: s.engine_options.precision = static_cast<Precision>(g_value_get_enum(value)); break;
    case PROP_THREADS: s.engine_options.threads = g_value_get_int(value); break;
    case PROP_MODE: s.mode = static_cast<Mode>(g_value_get_enum(value)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_inference_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const State& s = state_of(object);
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_MODEL: g_value_set_string(value, s.model.c_str()); break;
    case PROP_DEVICE: g_value_set_string(value, s.engine_options.device.c_str()); break;
    case PROP_PRECISION: g_value_set_enum(value, static_cast<gint>(s.engine_options.precision)); break;
    case PROP_THREADS: g_value_set_int(value, s.engine_options.threads); break;
    case PROP_MODE: g_value_set_enum(value, s.mode); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_inference_finalize(GObject* object) {
  delete &state_of(object);
  G_OBJECT_CLASS(gst_fmpn_inference_parent_class)->finalize(object);
}

static gboolean gst_fmpn_inference_start(GstBaseTransform* base) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = state_of(base);
    GST_OBJECT_LOCK(base);
    std::string path = s.model;
    const EngineOptions options = s.engine_options;
    s.running_mode = s.mode;
    GST_OBJECT_UNLOCK(base);
    if (path.empty()) path = default_model();
    auto engine = Engine::load(path, options);
    const ModelInfo& info = engine->info();
    GST_FMPN_INFERENCE_GET_CLASS(base)->begin(GST_FMPN_INFERENCE(base), info);
    s.engine = std::move(engine);  // last of all that may throw: nobody stops what has not started
    s.frame = 0;
    s.judged = s.skipped = 0;
    s.told_unaligned = false;
    s.clock.reset();
    s.position.reset();
    s.stats.reset();
    s.latency.reset();
    s.lateness.reset();
    s.mode_is_decided = false;
    GST_INFO_OBJECT(base, "model %s from %s: %s, %zu classes, faces of %d px", info.name.c_str(), path.c_str(), info.cn.c_str(),
                    info.classes.size(), info.crop_size);
    return TRUE;
  });
}

static gboolean gst_fmpn_inference_stop(GstBaseTransform* base) {
  State& s = state_of(base);
  // A stop without EOS ends what has begun, too. The streaming thread has ended, and the statistics with the pause before.
  guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    GST_FMPN_INFERENCE_GET_CLASS(base)->end_stream(GST_FMPN_INFERENCE(base));
    return TRUE;
  });
  s.worker.reset();
  s.last.clear();
  s.reader.release();
  s.engine.reset();
  return TRUE;
}

static gboolean gst_fmpn_inference_set_caps(GstBaseTransform* base, GstCaps* caps, GstCaps*) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = state_of(base);
    s.info = raw_video_of(caps);
    s.reader.set_format(s.info);
    return TRUE;
  });
}

static void post_stats(GstBaseTransform* base, GstStructure* stats) {
  if (stats != nullptr) gst_element_post_message(GST_ELEMENT(base), gst_message_new_element(GST_OBJECT(base), stats));
}

// Time passes without a frame: faces may be gone meanwhile.
static void pass_gap(GstBaseTransform* base, State& s, GstEvent* gap) {
  auto* self = GST_FMPN_INFERENCE(base);
  const auto* klass = GST_FMPN_INFERENCE_GET_CLASS(base);
  klass->begin_frame(self, s.clock.at_gap(base->segment, gap));
  klass->end_frame(self);
}

static void end_stream(GstBaseTransform* base, State& s) {
  s.last.clear();
  GST_FMPN_INFERENCE_GET_CLASS(base)->end_stream(GST_FMPN_INFERENCE(base));
  post_stats(base, s.stats.take_rest(g_get_monotonic_time()));
  if (s.worker) s.worker->forget();  // may throw: last
}

static gboolean gst_fmpn_inference_sink_event(GstBaseTransform* base, GstEvent* event) {
  guarded<gboolean>(GST_ELEMENT(base), FALSE, [&]() -> gboolean {
    State& s = state_of(base);
    if (!s.engine) return FALSE;
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_GAP: pass_gap(base, s, event); break;
      case GST_EVENT_EOS: end_stream(base, s); break;
      case GST_EVENT_SEGMENT:
        if (s.position.left_by(base->segment, event)) end_stream(base, s);
        break;
      case GST_EVENT_STREAM_START:  // other people
      case GST_EVENT_FLUSH_STOP:
        s.clock.reset();
        s.lateness.reset();
        end_stream(base, s);
        break;
      default: break;
    }
    return TRUE;
  });
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_inference_parent_class)->sink_event(base, event);
}

static gboolean gst_fmpn_inference_src_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) state_of(base).lateness.heed(event);
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_inference_parent_class)->src_event(base, event);
}

static gboolean gst_fmpn_inference_query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) return state_of(base).latency.answer(base, query);
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_inference_parent_class)->query(base, direction, query);
}

/// Times an inference for the statistics.
static std::vector<NetResult> timed_infer(State& s, const GstFmpnInferenceClass* klass, const std::vector<FaceInput>& inputs) {
  if (inputs.empty()) return {};
  const gint64 start = g_get_monotonic_time();
  auto made = klass->infer(*s.engine, inputs);
  s.stats.add_inference(inputs.size(), static_cast<double>(g_get_monotonic_time() - start) / 1000);
  return made;
}

/// Whether the stream is live is known when the first buffer comes: the sources have answered then.
static void decide_mode(GstBaseTransform* base, State& s) {
  bool async = s.running_mode == MODE_ASYNC;
  if (s.running_mode == MODE_AUTO) {
    GstQuery* query = gst_query_new_latency();
    gboolean live = FALSE;
    if (gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(base), query)) gst_query_parse_latency(query, &live, nullptr, nullptr);
    gst_query_unref(query);
    async = live;
  }
  const auto* klass = GST_FMPN_INFERENCE_GET_CLASS(base);
  s.worker = async ? std::make_unique<InferenceWorker>([&s, klass](const auto& inputs) { return timed_infer(s, klass, inputs); }) : nullptr;
  s.mode_is_decided = true;
  GST_INFO_OBJECT(base, "runs %s", async ? "beside the stream (async)" : "in step with the stream (sync)");
}

/// The warp to a crop of another size than the aligner's.
static Affine warp_for(const FaceAnnotation& face, int crop_size) {
  const Affine& m = face.warp;
  const bool mirrored = m[0] * m[4] - m[1] * m[3] < 0;
  if (!mirrored || face.crop_side == 0) return alignment_warp(*face.landmarks, crop_size);
  // A similarity can't mirror (image-orientation tag): the aligner's own warp, scaled.
  return warp_to_side(m, face.crop_side, crop_size);
}

/// Cuts the crops that `inputs` lack from the frame, of which only their parts are converted.
static void cut_crops(State& s, GstBuffer* buffer, const std::vector<FaceAnnotation>& faces, std::vector<FaceInput>* inputs) {
  const int size = s.engine->info().crop_size;
  std::vector<Box> parts;
  for (std::size_t i = 0; i < faces.size(); ++i)
    if (!(*inputs)[i].crop) parts.push_back(shown_by(warp_for(faces[i], size), size));
  if (parts.empty()) return;
  const auto picture = s.reader.read(buffer);
  const ImageView frame = picture->view_of(parts);
  for (std::size_t i = 0; i < faces.size(); ++i)
    if (!(*inputs)[i].crop) (*inputs)[i].crop = std::make_shared<const Image>(warp_face(frame, warp_for(faces[i], size), size));
}

/// Whether this engine made the face's mask. All who load one file in one way share the engine.
static bool made_by(const std::shared_ptr<const Engine>& engine, const FaceAnnotation& face) {
  return !face.mask_maker.owner_before(engine) && !engine.owner_before(face.mask_maker);
}

/// The faces that can be judged, as inputs, without crops that would have to be cut; `known` gets their annotations in the same order.
static std::vector<FaceInput> collect(GstElement* element, State& s, GstBuffer* buffer, std::vector<FaceAnnotation>* known) {
  std::vector<FaceInput> inputs;
  std::optional<int> unaligned;
  const ModelInfo& model = s.engine->info();
  for (FaceAnnotation& face : read_faces(buffer)) {
    if (!face.landmarks) {
      unaligned = face.region_id;
      continue;
    }
    FaceInput input{face.id, s.frame, s.clock.now(), face.quality, nullptr, nullptr};
    if (face.crop && face.crop->width == model.crop_size) input.crop = face.crop;
    // An older frame's mask, or one of another crop, is not this face's; another model's says something else.
    const bool own = face.mask && face.mask_crop_side == model.crop_size && face.mask_frames_ago == 0 && made_by(s.engine, face);
    if (own && model.uses_masks) input.mask = face.mask;
    inputs.push_back(std::move(input));
    known->push_back(std::move(face));
  }
  if (inputs.empty() && unaligned && !std::exchange(s.told_unaligned, true))
    GST_ELEMENT_WARNING(element, STREAM, FAILED,
                        ("Faces without landmarks are not judged: fmpnalign has to be before this element, and to use their regions."),
                        ("region %d", *unaligned));
  return inputs;
}

/// Beside the stream: hands the inputs to the worker, and attaches the newest results. Returns how many gave way.
static std::size_t pass_beside(GstFmpnInference* self, State& s, GstBuffer* buffer, std::vector<FaceInput> inputs,
                               const std::vector<FaceAnnotation>& faces) {
  cut_crops(s, buffer, faces, &inputs);
  std::vector<int> ids;
  for (const FaceInput& input : inputs) ids.push_back(input.face_id);
  const std::size_t gave_way = s.worker->submit(std::move(inputs));
  for (std::size_t i = 0; i < faces.size(); ++i)
    if (const auto result = s.worker->latest(ids[i]))
      GST_FMPN_INFERENCE_GET_CLASS(self)->attach(self, buffer, faces[i], *result, static_cast<int>(s.frame - result->frame));
  return gave_way;
}

/// Gives the faces of a frame that comes too late their last results, while these are new enough, and takes those faces from both
/// vectors: what is left has to be judged all the same.
static void carry_last(GstFmpnInference* self, State& s, GstBuffer* buffer, std::vector<FaceInput>& inputs,
                       std::vector<FaceAnnotation>& faces) {
  for (auto item = s.last.begin(); item != s.last.end();)
    item = s.clock.now() - item->second.time > kCarried ? s.last.erase(item) : std::next(item);
  std::size_t left = 0;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const auto found = s.last.find(inputs[i].face_id);
    if (found != s.last.end()) {
      const FaceResult& result = found->second;
      GST_FMPN_INFERENCE_GET_CLASS(self)->attach(self, buffer, faces[i], result, static_cast<int>(s.frame - result.frame));
      continue;
    }
    if (left != i) inputs[left] = std::move(inputs[i]), faces[left] = std::move(faces[i]);
    ++left;
  }
  inputs.resize(left);
  faces.resize(left);
}

/// In step: judges every face, or, on a frame that comes too late, those alone that have no result to carry. Returns how many faces
/// were not judged.
static std::size_t pass_in_step(GstFmpnInference* self, State& s, GstBuffer* buffer, std::vector<FaceInput> inputs,
                                std::vector<FaceAnnotation> faces) {
  const auto* klass = GST_FMPN_INFERENCE_GET_CLASS(self);
  auto* base = GST_BASE_TRANSFORM(self);
  const std::size_t seen = faces.size();
  const bool late = s.lateness.late(running_time_of(base->segment, buffer));
  if (late) carry_last(self, s, buffer, inputs, faces);
  else s.last.clear();
  if (seen > 0 && faces.empty()) {  // all of them carry what they had
    ++s.skipped;
    s.lateness.post(base, buffer, s.judged, s.skipped);
    return seen;
  }
  cut_crops(s, buffer, faces, &inputs);
  std::vector<NetResult> made = timed_infer(s, klass, inputs);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const FaceResult& result = s.last[inputs[i].face_id] = result_of(inputs[i], std::move(made[i]));
    klass->attach(self, buffer, faces[i], result, 0);
  }
  ++s.judged;
  return seen - faces.size();
}

static GstFlowReturn gst_fmpn_inference_transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  State& s = state_of(base);
  const GstFlowReturn flow = guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    auto* self = GST_FMPN_INFERENCE(base);
    const auto* klass = GST_FMPN_INFERENCE_GET_CLASS(base);
    const gint64 begun = g_get_monotonic_time();
    if (!s.mode_is_decided) decide_mode(base, s);
    klass->begin_frame(self, s.clock.at(base->segment, buffer, s.info));
    s.position.note(base->segment, buffer, s.info);
    std::vector<FaceAnnotation> faces;
    std::vector<FaceInput> inputs = collect(GST_ELEMENT(base), s, buffer, &faces);
    const std::size_t seen = faces.size();
    const std::size_t skipped = s.worker ? pass_beside(self, s, buffer, std::move(inputs), faces)
                                         : pass_in_step(self, s, buffer, std::move(inputs), std::move(faces));
    klass->end_frame(self);
    GST_LOG_OBJECT(base, "frame %" G_GUINT64_FORMAT ": %zu faces, %zu not judged", s.frame, seen, skipped);
    s.stats.add_frame(begun, seen, skipped);
    s.latency.add(GST_ELEMENT(base), static_cast<GstClockTime>(g_get_monotonic_time() - begun) * GST_USECOND);
    ++s.frame;
    return GST_FLOW_OK;
  });
  // Sinks begin to play before the elements upstream of them: resume() comes first.
  if (GST_STATE(base) == GST_STATE_PLAYING) post_stats(base, s.stats.take_if_due(g_get_monotonic_time()));
  return flow;
}

// A pause ends a stretch that the statistics sum up; the time in it, or after the preroll, counts for none.
static GstStateChangeReturn gst_fmpn_inference_change_state(GstElement* element, GstStateChange change) {
  const GstStateChangeReturn result = GST_ELEMENT_CLASS(gst_fmpn_inference_parent_class)->change_state(element, change);
  auto* base = GST_BASE_TRANSFORM(element);
  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING) state_of(base).stats.resume(g_get_monotonic_time());
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED) post_stats(base, state_of(base).stats.take_rest(g_get_monotonic_time()));
  return result;
}

static void gst_fmpn_inference_class_init(GstFmpnInferenceClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_inference_set_property;
  object->get_property = gst_fmpn_inference_get_property;
  object->finalize = gst_fmpn_inference_finalize;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto install = [&](Property id, GParamSpec* spec) { g_object_class_install_property(object, id, spec); };
  install(PROP_MODEL,
          g_param_spec_string("model", "Model", "Model file (.safetensors); empty: $FMPN_MODEL, else the bundled model", "", flags));
  install(PROP_DEVICE, g_param_spec_string("device", "Device", "cpu, cuda or cuda:N", kDefaultDevice, flags));
  install(PROP_PRECISION,
          g_param_spec_enum("precision", "Precision",
                            "Arithmetic of the networks; auto: bf16 where the CPU has it and the model keeps its labels, else fp32",
                            precision_type(), static_cast<gint>(kDefaultPrecision), flags));
  install(PROP_THREADS,
          g_param_spec_int("threads", "Threads", "Threads of the CPU for the networks; 0: OMP_NUM_THREADS, or as many as there are", 0,
                           1024, 0, flags));
  install(PROP_MODE, g_param_spec_enum("mode", "Mode", "Whether a frame waits for its result", mode_type(), kDefaultMode, flags));
  gst_type_mark_as_plugin_api(mode_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(precision_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(GST_TYPE_FMPN_INFERENCE, static_cast<GstPluginAPIFlags>(0));

  GST_ELEMENT_CLASS(klass)->change_state = gst_fmpn_inference_change_state;
  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  make_metadata_element(base);
  base->start = gst_fmpn_inference_start;
  base->stop = gst_fmpn_inference_stop;
  base->set_caps = gst_fmpn_inference_set_caps;
  base->sink_event = gst_fmpn_inference_sink_event;
  base->src_event = gst_fmpn_inference_src_event;
  base->query = gst_fmpn_inference_query;
  base->transform_ip = gst_fmpn_inference_transform_ip;
  GST_DEBUG_CATEGORY_INIT(gst_fmpn_inference_debug, "fmpninference", 0, "fmpnmask and fmpnclassify");
}

static void gst_fmpn_inference_init(GstFmpnInference* self) {
  static_cast<GstFmpnInferencePrivate*>(gst_fmpn_inference_get_instance_private(self))->state = new State;
}
