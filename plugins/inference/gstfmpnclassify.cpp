/**
 * SECTION:element-fmpnclassify
 * @title: fmpnclassify
 * @short_description: names the facial expression of each aligned face
 *
 * Runs FMG (unless fmpnmask has), PFN and CN on every face that fmpnalign has found, and adds the param `expression` to its
 * region: label, label_id, confidence, the whole calibrated distribution smoothed over time, entropy in bits, and frames_ago
 * (0: inferred on this frame). A face below `min-quality`, or a distribution below `min-confidence`, gets the label
 * `uncertain`. An expression is what a face shows, not what a person feels.
 *
 * Messages on the bus: `fmpn-expression` when a face's stable label begins, changes or ends (fields event = onset | change |
 * offset, face-id, label, previous, confidence, distribution, stream-time, running-time), and `fmpn-stats` once a second
 * (seconds, frames, faces, inferences, skipped, latency-p50, latency-p95, latency-max). At a jump (seek, loop), at the end of the stream
 * and at a stop every face's expression ends. When QoS events say that frames come late, faces are not judged again but carry their last
 * result for half a second, and a QoS message is posted; frames are dropped only with #GstBaseTransform:qos.
 * A sticky event `fmpn-model` (model-name, classes in order) goes downstream before the first frame. Where there are two of
 * this element, the results and the event of the later one replace those of the other.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m filesrc location=interview.mp4 ! decodebin ! fmpnalign ! fmpnclassify ! fakesink
 * ]|
 */
#include "gstfmpnclassify.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmpn/error.h>
#include <fmpn/expression_smoother.h>

#include "common/model_event.h"

using namespace fmpn;
using namespace fmpn::gst;

namespace {

constexpr double kDefaultSmoothing = 0.2;
constexpr double kDefaultMinConfidence = -1;
constexpr double kDefaultMinQuality = 0.1;

enum Property { PROP_0, PROP_SMOOTHING, PROP_MIN_CONFIDENCE, PROP_MIN_QUALITY };

/// The last result of a face that was smoothed: a later frame may carry it again.
struct Shown {
  std::uint64_t frame = 0;
  SmoothedExpression expression;
};

struct State {
  // Settings, guarded by the object lock.
  double smoothing = kDefaultSmoothing;
  double min_confidence = kDefaultMinConfidence;
  double min_quality = kDefaultMinQuality;

  // Of one run, belonging to the streaming thread.
  ModelInfo model;
  double quality_limit = 0;
  std::optional<ExpressionSmoother> smoother;
  std::map<int, Shown> shown;
  double now = 0;  ///< running time of the frame in seconds
};

}  // namespace

struct _GstFmpnClassify {
  GstFmpnInference parent;
  State* state;
};

G_DEFINE_TYPE(GstFmpnClassify, gst_fmpn_classify, GST_TYPE_FMPN_INFERENCE)
GST_ELEMENT_REGISTER_DEFINE(fmpnclassify, "fmpnclassify", GST_RANK_NONE, GST_TYPE_FMPN_CLASSIFY)

static void gst_fmpn_classify_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& s = *GST_FMPN_CLASSIFY(object)->state;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_SMOOTHING: s.smoothing = g_value_get_double(value); break;
    case PROP_MIN_CONFIDENCE: s.min_confidence = g_value_get_double(value); break;
    case PROP_MIN_QUALITY: s.min_quality = g_value_get_double(value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_classify_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const State& s = *GST_FMPN_CLASSIFY(object)->state;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_SMOOTHING: g_value_set_double(value, s.smoothing); break;
    case PROP_MIN_CONFIDENCE: g_value_set_double(value, s.min_confidence); break;
    case PROP_MIN_QUALITY: g_value_set_double(value, s.min_quality); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_classify_finalize(GObject* object) {
  delete GST_FMPN_CLASSIFY(object)->state;
  G_OBJECT_CLASS(gst_fmpn_classify_parent_class)->finalize(object);
}

static void gst_fmpn_classify_begin(GstFmpnInference* base, const ModelInfo& model) {
  State& s = *GST_FMPN_CLASSIFY(base)->state;
  s.model = model;
  s.smoother.emplace();
  s.shown.clear();
  s.now = 0;
}

static std::vector<NetResult> gst_fmpn_classify_infer(const Engine& engine, const std::vector<FaceInput>& inputs) {
  const bool masked = engine.info().uses_masks &&
                      std::all_of(inputs.begin(), inputs.end(), [](const FaceInput& input) { return input.mask != nullptr; });
  std::vector<ImageView> crops;
  std::vector<MotionMask> masks;
  for (const FaceInput& input : inputs) {
    crops.push_back(input.crop->view());
    if (masked) masks.push_back(*input.mask);
  }
  std::vector<NetResult> results;
  for (Expression& one : masked ? engine.classify(crops, masks) : engine.classify(crops)) {
    auto mask = one.mask.empty() ? nullptr : std::make_shared<const MotionMask>(std::move(one.mask));
    results.push_back({std::move(one.probabilities), std::move(mask)});
  }
  return results;
}

static void gst_fmpn_classify_attach(GstFmpnInference* base, GstBuffer* buffer, const FaceAnnotation& face,
                                     const FaceResult& result, int frames_ago) {
  State& s = *GST_FMPN_CLASSIFY(base)->state;
  auto shown = s.shown.find(face.id);
  if (shown == s.shown.end() || shown->second.frame != result.frame) {
    const bool judged = result.quality >= s.quality_limit;
    const SmoothedExpression smoothed = s.smoother->update(face.id, result.net.probabilities, result.time, judged);
    shown = s.shown.insert_or_assign(face.id, Shown{result.frame, smoothed}).first;
  }
  s.smoother->seen(face.id, s.now);
  const SmoothedExpression& smoothed = shown->second.expression;
  ExpressionAnnotation e;
  e.label_id = smoothed.label_id;
  e.label = e.label_id < 0 ? kUncertain : s.model.classes[static_cast<std::size_t>(e.label_id)];
  e.confidence = static_cast<double>(smoothed.confidence);
  for (std::size_t i = 0; i < s.model.classes.size(); ++i)
    e.distribution.emplace_back(s.model.classes[i], static_cast<double>(smoothed.probabilities[i]));
  e.entropy = static_cast<double>(entropy_bits(smoothed.probabilities));
  e.frames_ago = frames_ago;
  e.model_name = s.model.name;
  attach_expression(buffer, face.region_id, e);
  const bool newest = !face.mask || face.mask_frames_ago > frames_ago;
  if (newest && result.net.mask) attach_mask(buffer, face.region_id, result.net.mask, result.crop_side, frames_ago, engine_of(base));
}

static void post_events(GstFmpnInference* base, const std::vector<ExpressionEvent>& events) {
  const State& s = *GST_FMPN_CLASSIFY(base)->state;
  const auto name = [&](int id) { return id < 0 ? kUncertain : s.model.classes[static_cast<std::size_t>(id)].c_str(); };
  constexpr const char* kKinds[] = {"onset", "change", "offset"};
  for (const ExpressionEvent& event : events) {
    std::vector<std::pair<std::string, double>> distribution;
    for (std::size_t i = 0; i < s.model.classes.size(); ++i)
      distribution.emplace_back(s.model.classes[i], static_cast<double>(event.expression.probabilities[i]));
    const GstSegment& segment = GST_BASE_TRANSFORM(base)->segment;
    const auto running = static_cast<GstClockTime>(event.time * GST_SECOND + 0.5);
    const bool timed = segment.format == GST_FORMAT_TIME;
    const guint64 position = timed ? gst_segment_position_from_running_time(&segment, GST_FORMAT_TIME, running) : GST_CLOCK_TIME_NONE;
    GstStructure* probabilities = distribution_structure(distribution);
    GstStructure* message = gst_structure_new(
        "fmpn-expression", "event", G_TYPE_STRING, kKinds[static_cast<int>(event.kind)], "face-id", G_TYPE_INT, event.track_id,
        "label", G_TYPE_STRING, name(event.label_id), "previous", G_TYPE_STRING,
        event.kind == ExpressionEvent::Kind::kOnset ? "" : name(event.previous_id), "confidence", G_TYPE_DOUBLE,
        static_cast<double>(event.expression.confidence), "distribution", GST_TYPE_STRUCTURE, probabilities, "running-time",
        G_TYPE_UINT64, running, "stream-time", G_TYPE_UINT64,
        timed ? gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, position) : GST_CLOCK_TIME_NONE, nullptr);
    gst_structure_free(probabilities);
    gst_element_post_message(GST_ELEMENT(base), gst_message_new_element(GST_OBJECT(base), message));
  }
}

/// The settings as they are now hold for the whole frame.
static void gst_fmpn_classify_begin_frame(GstFmpnInference* base, double time) {
  State& s = *GST_FMPN_CLASSIFY(base)->state;
  SmootherOptions options;
  GST_OBJECT_LOCK(base);
  options.half_life = s.smoothing;
  options.min_confidence = s.min_confidence < 0 ? s.model.min_confidence : s.min_confidence;
  s.quality_limit = s.min_quality;
  GST_OBJECT_UNLOCK(base);
  s.smoother->set_options(options);
  s.now = time;
}

static void gst_fmpn_classify_end_frame(GstFmpnInference* base) {
  State& s = *GST_FMPN_CLASSIFY(base)->state;
  const auto events = s.smoother->take_events(s.now);
  for (const ExpressionEvent& event : events)
    if (event.kind == ExpressionEvent::Kind::kOffset) s.shown.erase(event.track_id);
  post_events(base, events);
}

static void gst_fmpn_classify_end_stream(GstFmpnInference* base) {
  State& s = *GST_FMPN_CLASSIFY(base)->state;
  post_events(base, s.smoother->end_all());
  s.smoother->reset();
  s.shown.clear();
}

static gboolean gst_fmpn_classify_sink_event(GstBaseTransform* base, GstEvent* event) {
  if (is_model_event(event)) {
    // Of another one upstream, whose results ours replace: passed on, it would take the place of our own event.
    gst_event_unref(event);
    return TRUE;
  }
  const bool caps = GST_EVENT_TYPE(event) == GST_EVENT_CAPS;
  const gboolean passed = GST_BASE_TRANSFORM_CLASS(gst_fmpn_classify_parent_class)->sink_event(base, event);
  // Who is downstream knows the classes before the first face.
  const ModelInfo& model = GST_FMPN_CLASSIFY(base)->state->model;
  if (caps && passed) gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(base), make_model_event(model.name, model.classes));
  return passed;
}

static void gst_fmpn_classify_class_init(GstFmpnClassifyClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_classify_set_property;
  object->get_property = gst_fmpn_classify_get_property;
  object->finalize = gst_fmpn_classify_finalize;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [&](Property id, GParamSpec* spec) { g_object_class_install_property(object, id, spec); };
  install(PROP_SMOOTHING,
          g_param_spec_double("smoothing", "Smoothing",
                              "Half-life in seconds of a face's earlier distributions; 0: every frame for itself", 0, 60,
                              kDefaultSmoothing, flags));
  install(PROP_MIN_CONFIDENCE,
          g_param_spec_double("min-confidence", "Minimum confidence",
                              "Below it the label is uncertain; less than 0: as the model file says", -1, 1, kDefaultMinConfidence, flags));
  install(PROP_MIN_QUALITY,
          g_param_spec_double("min-quality", "Minimum quality",
                              "A face of less quality (size, sharpness, pose) gets the label uncertain", 0, 1, kDefaultMinQuality, flags));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Facial expression classifier", "Filter/Analyzer/Video",
                                        "Names the expression of each aligned face, with its whole distribution", "FMPN");
  GST_BASE_TRANSFORM_CLASS(klass)->sink_event = gst_fmpn_classify_sink_event;
  auto* inference = GST_FMPN_INFERENCE_CLASS(klass);
  inference->begin = gst_fmpn_classify_begin;
  inference->infer = gst_fmpn_classify_infer;
  inference->begin_frame = gst_fmpn_classify_begin_frame;
  inference->attach = gst_fmpn_classify_attach;
  inference->end_frame = gst_fmpn_classify_end_frame;
  inference->end_stream = gst_fmpn_classify_end_stream;
}

static void gst_fmpn_classify_init(GstFmpnClassify* self) { self->state = new State; }
