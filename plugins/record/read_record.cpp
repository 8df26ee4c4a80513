#include "read_record.h"

#include "common/face_annotation.h"

namespace fmpn::record {

FrameRecord read_record(GstBuffer* buffer, const GstSegment& segment, std::uint64_t frame) {
  FrameRecord record;
  record.frame = frame;
  if (GST_BUFFER_PTS_IS_VALID(buffer)) {
    record.pts = GST_BUFFER_PTS(buffer);
    // A segment in other units than time has no stream time: the PTS is all that is known.
    guint64 time = GST_BUFFER_PTS(buffer);
    const int sign = segment.format == GST_FORMAT_TIME ? gst_segment_to_stream_time_full(&segment, GST_FORMAT_TIME, time, &time) : 1;
    if (sign != 0) record.timestamp = sign * (static_cast<double>(time) / GST_SECOND);
  }
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) record.duration = static_cast<double>(GST_BUFFER_DURATION(buffer)) / GST_SECOND;
  for (const gst::FaceAnnotation& face : gst::read_faces(buffer)) {
    FaceRecord one;
    one.id = face.id;
    one.box = face.box;
    one.score = face.score;
    one.quality = static_cast<double>(face.quality);
    if (face.expression) {
      one.label = face.expression->label;
      one.confidence = face.expression->confidence;
      one.distribution = face.expression->distribution;
      one.frames_ago = face.expression->frames_ago;
    }
    record.faces.push_back(std::move(one));
  }
  return record;
}

}  // namespace fmpn::record
