#include "model_event.h"

namespace fmpn::gst {

GstEvent* make_model_event(const std::string& model_name, const std::vector<std::string>& classes) {
  GValue list = G_VALUE_INIT;
  g_value_init(&list, GST_TYPE_ARRAY);
  for (const std::string& name : classes) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_STRING);
    g_value_set_string(&value, name.c_str());
    gst_value_array_append_and_take_value(&list, &value);
  }
  GstStructure* structure = gst_structure_new("fmpn-model", "model-name", G_TYPE_STRING, model_name.c_str(), nullptr);
  gst_structure_take_value(structure, "classes", &list);
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, structure);
}

bool is_model_event(GstEvent* event) {
  return GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY && gst_event_has_name(event, "fmpn-model");
}

std::optional<std::vector<std::string>> classes_of(GstEvent* event) {
  if (!is_model_event(event)) return std::nullopt;
  // Anyone may send an event of this name.
  const GValue* list = gst_structure_get_value(gst_event_get_structure(event), "classes");
  if (list == nullptr || !GST_VALUE_HOLDS_ARRAY(list)) return std::nullopt;
  std::vector<std::string> classes;
  for (guint i = 0; i < gst_value_array_get_size(list); ++i) {
    const GValue* name = gst_value_array_get_value(list, i);
    const char* text = G_VALUE_HOLDS_STRING(name) ? g_value_get_string(name) : nullptr;
    if (text == nullptr) return std::nullopt;
    classes.emplace_back(text);
  }
  return classes;
}

}  // namespace fmpn::gst
