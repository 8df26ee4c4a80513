/* Prints the label of every face, frame by frame, from a pad probe:
 *
 *   cc read_metadata.c $(pkg-config --cflags --libs gstreamer-video-1.0) -o read_metadata
 *   ./read_metadata 'filesrc location=interview.mp4 ! decodebin ! fmpnalign ! fmpnclassify'
 *
 * The argument is the pipeline up to the last of our elements; a sink is added. It links nothing of ours.
 */
#include <gst/gst.h>
#include <gst/video/gstvideometa.h>

static void print_face(GstVideoRegionOfInterestMeta *region, double seconds) {
  GstStructure *object = gst_video_region_of_interest_meta_get_param(region, "object_id");
  GstStructure *expression = gst_video_region_of_interest_meta_get_param(region, "expression");
  const gchar *label = expression != NULL ? gst_structure_get_string(expression, "label") : NULL;
  gint track = 0;
  gdouble confidence = 0;
  if (object != NULL) gst_structure_get_int(object, "id", &track);
  if (expression != NULL) gst_structure_get_double(expression, "confidence", &confidence);
  /* The first frames of a live stream have faces that nobody has judged yet. */
  g_print("%.3f face %d at %u,%u %ux%u: %s %.3f\n", seconds, track, region->x, region->y, region->w, region->h,
          label != NULL ? label : "not judged", confidence);
}

static GstPadProbeReturn on_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data) {
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment = NULL;
  GstVideoRegionOfInterestMeta *region;
  gpointer at = NULL;
  guint64 time;
  (void)data;
  gst_event_parse_segment(event, &segment);
  /* The place in the film, as in fmpn-expression messages and in fmpnrecord's files. */
  time = segment->format == GST_FORMAT_TIME ? gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer))
                                            : GST_CLOCK_TIME_NONE;
  gst_event_unref(event);
  while ((region = (GstVideoRegionOfInterestMeta *)gst_buffer_iterate_meta_filtered(buffer, &at,
                                                                                    GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) != NULL)
    if (region->roi_type == g_quark_from_static_string("face"))
      print_face(region, time == GST_CLOCK_TIME_NONE ? -1 : (double)time / GST_SECOND);
  return GST_PAD_PROBE_OK;
}

int main(int argc, char **argv) {
  GError *fault = NULL;
  GstElement *pipeline, *sink;
  GstMessage *message;
  GstPad *pad;
  GstBus *bus;
  gchar *launch;
  int status = 0;
  gst_init(&argc, &argv);
  if (argc != 2) {
    g_printerr("usage: read_metadata PIPELINE\n");
    return 2;
  }
  launch = g_strconcat(argv[1], " ! fakesink name=end sync=false", NULL);
  pipeline = gst_parse_launch_full(launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &fault);
  g_free(launch);
  if (pipeline == NULL) {
    g_printerr("read_metadata: %s\n", fault->message);
    g_error_free(fault);
    return 1;
  }
  sink = gst_bin_get_by_name(GST_BIN(pipeline), "end");
  pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, NULL, NULL);
  gst_object_unref(pad);
  gst_object_unref(sink);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  bus = gst_element_get_bus(pipeline);
  message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gchar *details = NULL;
    gst_message_parse_error(message, &fault, &details);
    g_printerr("%s: %s\n%s\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), fault->message, details != NULL ? details : "");
    g_error_free(fault);
    g_free(details);
    status = 1;
  }
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return status;
}
