#include "element_guard.h"

namespace fmpn::gst {

void post_error(GstElement* element, const Error& fault, const SourcePlace& place) {
  GQuark domain = GST_STREAM_ERROR;
  gint code = GST_STREAM_ERROR_FAILED;
  switch (fault.code()) {
    case ErrorCode::kNotFound: domain = GST_RESOURCE_ERROR, code = GST_RESOURCE_ERROR_NOT_FOUND; break;
    case ErrorCode::kBadFormat: domain = GST_STREAM_ERROR, code = GST_STREAM_ERROR_FORMAT; break;
    case ErrorCode::kBadSetting: domain = GST_RESOURCE_ERROR, code = GST_RESOURCE_ERROR_SETTINGS; break;
    case ErrorCode::kIo: domain = GST_RESOURCE_ERROR, code = GST_RESOURCE_ERROR_WRITE; break;
    case ErrorCode::kRuntime: break;
  }
  gst_element_message_full(element, GST_MESSAGE_ERROR, domain, code, g_strdup(fault.what()),
                           g_strdup(g_type_name(G_OBJECT_TYPE(element))), place.file, place.function, place.line);
}

}  // namespace fmpn::gst
