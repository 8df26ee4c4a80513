#include "frame_tap.h"

#include <fmpn/error.h>

#include "common/element_guard.h"
#include "common/raw_video.h"
#include "read_record.h"

namespace fmpn::annotate {

FrameTap::FrameTap(GstPad* pad, Summary* summary, Thumbnails* thumbnails, Meter* meter)
    : summary_(summary), thumbnails_(thumbnails), meter_(meter) {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM), look, this,
                    nullptr);
}

GstPadProbeReturn FrameTap::look(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
  auto& tap = *static_cast<FrameTap*>(self);
  GstElement* element = gst_pad_get_parent_element(pad);
  const auto seen = gst::guarded<GstPadProbeReturn>(element, GST_PAD_PROBE_DROP, [&] {
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) tap.frame(GST_PAD_PROBE_INFO_BUFFER(info));
    else tap.event(GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
  });
  gst_object_unref(element);
  return seen;
}

void FrameTap::event(GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) gst_event_copy_segment(event, &segment_);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  info_ = gst::raw_video_of(caps);
  reader_.set_format(info_);
}

void FrameTap::frame(GstBuffer* buffer) {
  const record::FrameRecord record = record::read_record(buffer, segment_, number_++);
  summary_->add(record);
  meter_->frames = number_;
  if (record.timestamp) meter_->position = *record.timestamp + record.duration.value_or(0);
  if (thumbnails_ == nullptr) return;
  std::unique_ptr<gst::FrameReader::Picture> picture;
  for (const record::FaceRecord& face : record.faces) {
    if (!thumbnails_->wants(face.id, face.quality)) continue;
    if (!picture) picture = reader_.read(buffer);
    thumbnails_->add(face.id, face.quality, picture->view(), face.box);
  }
}

}  // namespace fmpn::annotate
