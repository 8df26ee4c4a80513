/**
 * SECTION:element-fmpnrecord
 * @title: fmpnrecord
 * @short_description: writes what the elements upstream have found to a file
 *
 * Passes every frame on untouched and writes what it carries: a record for every face (frame number, time, track, box, score,
 * quality, label, confidence, the whole distribution), and an explicit one for a frame without a face. The time is the
 * medium's (stream time) in seconds. Each record is handed to the system with its frame; the file is complete when the
 * end of the stream has passed (`gst-launch-1.0 -e` sends it on an interruption). A record that cannot be written is an error
 * that stops the stream: the file has no silent gap.
 *
 * The csv's last columns are the classes of the model, which fmpnclassify announces by the sticky event `fmpn-model`.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -e v4l2src ! fmpnalign ! fmpnclassify ! fmpnrecord location=faces.csv format=csv ! fmpnoverlay ! autovideosink
 * ]|
 * Records as they come, for another program:
 * |[
 * gst-launch-1.0 -q filesrc location=interview.mp4 ! decodebin ! fmpnalign ! fmpnclassify ! fmpnrecord location=- ! fakesink
 * ]|
 */
#include "gstfmpnrecord.h"

#include <memory>
#include <optional>
#include <string>

#include "common/element_guard.h"
#include "common/metadata_element.h"
#include "common/model_event.h"
#include "read_record.h"
#include "record_writer.h"

GST_DEBUG_CATEGORY_STATIC(gst_fmpn_record_debug);
#define GST_CAT_DEFAULT gst_fmpn_record_debug

namespace {

using namespace fmpn;
using namespace fmpn::gst;
using fmpn::record::Format;
using fmpn::record::RecordWriter;

constexpr Format kDefaultFormat = Format::kJsonl;

enum Property { PROP_0, PROP_LOCATION, PROP_FORMAT };

struct State {
  // Settings, guarded by the object lock.
  std::string location;
  Format format = kDefaultFormat;

  // The streaming thread's.
  std::unique_ptr<RecordWriter> writer;  ///< null before start() and after the end of the stream
  guint64 frames = 0;
};

GType format_type() {
  static const GEnumValue values[] = {{static_cast<gint>(Format::kJsonl), "a JSON object a line", "jsonl"},
                                      {static_cast<gint>(Format::kCsv), "a table, one column a class", "csv"},
                                      {static_cast<gint>(Format::kVtt), "WebVTT subtitles of the labels", "vtt"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstFmpnRecordFormat", values);
  return type;
}

}  // namespace

struct _GstFmpnRecord {
  GstBaseTransform parent;
  State* state;
};

G_DEFINE_TYPE(GstFmpnRecord, gst_fmpn_record, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(fmpnrecord, "fmpnrecord", GST_RANK_NONE, GST_TYPE_FMPN_RECORD)

static void gst_fmpn_record_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& s = *GST_FMPN_RECORD(object)->state;
  note_if_late(object, spec);
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_LOCATION: s.location = g_value_get_string(value) != nullptr ? g_value_get_string(value) : ""; break;
    case PROP_FORMAT: s.format = static_cast<Format>(g_value_get_enum(value)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_record_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const State& s = *GST_FMPN_RECORD(object)->state;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case PROP_LOCATION: g_value_set_string(value, s.location.c_str()); break;
    case PROP_FORMAT: g_value_set_enum(value, static_cast<gint>(s.format)); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(object);
}

static void gst_fmpn_record_finalize(GObject* object) {
  delete GST_FMPN_RECORD(object)->state;
  G_OBJECT_CLASS(gst_fmpn_record_parent_class)->finalize(object);
}

static gboolean gst_fmpn_record_start(GstBaseTransform* base) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = *GST_FMPN_RECORD(base)->state;
    GST_OBJECT_LOCK(base);
    const std::string location = s.location;
    const Format format = s.format;
    GST_OBJECT_UNLOCK(base);
    if (location.empty()) throw Error(ErrorCode::kBadSetting, "fmpnrecord needs a location to write to");
    s.writer = std::make_unique<RecordWriter>(location, format);
    s.frames = 0;
    GST_INFO_OBJECT(base, "writes %s to %s", record::name_of(format), location.c_str());
    return TRUE;
  });
}

/// The file is whole now; a stream that goes on, after a seek from its end, goes on in the file.
static gboolean complete(GstBaseTransform* base) {
  return guarded<gboolean>(GST_ELEMENT(base), FALSE, [&] {
    State& s = *GST_FMPN_RECORD(base)->state;
    auto writer = std::move(s.writer);  // gone where it fails: one error is enough
    if (!writer) return TRUE;
    writer->complete();
    GST_INFO_OBJECT(base, "%" G_GUINT64_FORMAT " frames written", static_cast<guint64>(writer->frames()));
    s.writer = std::move(writer);
    return TRUE;
  });
}

/// A stream that is stopped before its end leaves a file that is well formed as far as it goes. Where it can't, an error tells that: an
/// element that refused to stop would keep the whole pipeline from it.
static gboolean gst_fmpn_record_stop(GstBaseTransform* base) {
  complete(base);
  GST_FMPN_RECORD(base)->state->writer = nullptr;
  return TRUE;
}

static gboolean gst_fmpn_record_sink_event(GstBaseTransform* base, GstEvent* event) {
  const gboolean well = guarded<gboolean>(GST_ELEMENT(base), FALSE, [&]() -> gboolean {
    State& s = *GST_FMPN_RECORD(base)->state;
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) return complete(base);
    if (const auto classes = classes_of(event); classes && s.writer) s.writer->set_classes(*classes);
    return TRUE;
  });
  if (!well && GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    // Whoever waits for the end learns of the error instead: an end that passed would say that the file is whole.
    gst_event_unref(event);
    return FALSE;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_fmpn_record_parent_class)->sink_event(base, event);
}

static GstFlowReturn gst_fmpn_record_transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return guarded<GstFlowReturn>(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    State& s = *GST_FMPN_RECORD(base)->state;
    if (!s.writer) return GST_FLOW_ERROR;  // the file could not be completed; that has been told
    const record::FrameRecord frame = record::read_record(buffer, base->segment, s.frames++);
    s.writer->add(frame);
    GST_LOG_OBJECT(base, "frame %" G_GUINT64_FORMAT ": %zu faces", static_cast<guint64>(frame.frame), frame.faces.size());
    return GST_FLOW_OK;
  });
}

static void gst_fmpn_record_class_init(GstFmpnRecordClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = gst_fmpn_record_set_property;
  object->get_property = gst_fmpn_record_get_property;
  object->finalize = gst_fmpn_record_finalize;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      object, PROP_LOCATION,
      g_param_spec_string("location", "Location", "File to write, made or emptied at the start; -: standard output", "", flags));
  g_object_class_install_property(object, PROP_FORMAT, g_param_spec_enum("format", "Format", "What the file is", format_type(),
                                                                         static_cast<gint>(kDefaultFormat), flags));
  gst_type_mark_as_plugin_api(format_type(), static_cast<GstPluginAPIFlags>(0));

  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "Face recorder", "Filter/Analyzer/Video",
                                        "Writes a record for every frame and face to a file (JSON lines, CSV, WebVTT)", "FMPN");
  auto* base = GST_BASE_TRANSFORM_CLASS(klass);
  make_metadata_element(base);
  base->start = gst_fmpn_record_start;
  base->stop = gst_fmpn_record_stop;
  base->sink_event = gst_fmpn_record_sink_event;
  base->transform_ip = gst_fmpn_record_transform_ip;
  // Nothing is added: a shared buffer stays shared.
  base->prepare_output_buffer = GST_BASE_TRANSFORM_CLASS(gst_fmpn_record_parent_class)->prepare_output_buffer;
  base->passthrough_on_same_caps = TRUE;
  base->transform_ip_on_passthrough = TRUE;
  GST_DEBUG_CATEGORY_INIT(gst_fmpn_record_debug, "fmpnrecord", 0, "fmpnrecord element");
}

static void gst_fmpn_record_init(GstFmpnRecord* self) { self->state = new State; }
