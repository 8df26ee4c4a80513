// docs/elements.md can't drift: its tables of properties are what the elements say of themselves, and every field that they write
// is named there. FMPN_UPDATE_DOCS=1 writes the tables.

#include <cstdlib>
#include <set>

#include "harness.h"
#include "temporary_folder.h"

namespace fmpn::test {
namespace {

const char* const kElements[] = {"fmpnalign", "fmpnmask", "fmpnclassify", "fmpnoverlay", "fmpnrecord"};

std::string number(double value) {
  char text[32];
  g_snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string range(double low, double high, double endless) { return number(low) + "…" + (high >= endless ? "" : number(high)); }

/// "type, range" and the default value.
std::pair<std::string, std::string> describe(GParamSpec* spec) {
  const GValue* value = g_param_spec_get_default_value(spec);
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return {"boolean", g_value_get_boolean(value) ? "true" : "false"};
  if (G_IS_PARAM_SPEC_STRING(spec))
    return {"string", "`\"" + std::string(g_value_get_string(value) ? g_value_get_string(value) : "") + "\"`"};
  if (G_IS_PARAM_SPEC_INT(spec)) {
    const auto* s = G_PARAM_SPEC_INT(spec);
    return {"integer, " + range(s->minimum, s->maximum, G_MAXINT), number(g_value_get_int(value))};
  }
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    const auto* s = G_PARAM_SPEC_DOUBLE(spec);
    return {"number, " + range(s->minimum, s->maximum, G_MAXDOUBLE), number(g_value_get_double(value))};
  }
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    const auto* s = G_PARAM_SPEC_ENUM(spec);
    std::string nicks, standard;
    for (guint i = 0; i < s->enum_class->n_values; ++i) {
      const GEnumValue& one = s->enum_class->values[i];
      nicks += (i > 0 ? ", `" : "`") + std::string(one.value_nick) + "`";
      if (one.value == g_value_get_enum(value)) standard = "`" + std::string(one.value_nick) + "`";
    }
    return {nicks, standard};
  }
  return {g_type_name(G_PARAM_SPEC_VALUE_TYPE(spec)), "?"};
}

std::string table_of(const char* name) {
  GstElement* element = gst_element_factory_make(name, nullptr);
  if (element == nullptr) return {};
  std::string table = "| property | values | default | |\n|---|---|---|---|\n";
  guint n = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &n);
  for (guint i = 0; i < n; ++i) {
    // What every element has (name, parent, qos) is GStreamer's to document.
    if (std::string(g_type_name(specs[i]->owner_type)).find("GstFmpn") != 0) continue;
    const auto [type, standard] = describe(specs[i]);
    const char* when = (specs[i]->flags & GST_PARAM_MUTABLE_PLAYING) != 0 ? " Any time." : "";
    table += "| `" + std::string(specs[i]->name) + "` | " + type + " | " + standard + " | " + g_param_spec_get_blurb(specs[i]) + "." +
             when + " |\n";
  }
  g_free(specs);
  gst_object_unref(element);
  return table;
}

std::string document_path() {
  const char* root = std::getenv("FMPN_SOURCE_ROOT");
  return root != nullptr ? std::string(root) + "/docs/elements.md" : "";
}

class Documentation : public PhotographTest {
 protected:
  void SetUp() override {
    if (document_path().empty()) GTEST_SKIP() << "FMPN_SOURCE_ROOT is not set (run through meson test)";
    PhotographTest::SetUp();
  }
  /// Every field of the structure has to be named in the document, in code marks.
  static void expect_named(const std::string& document, const GstStructure* structure) {
    for (int i = 0; i < gst_structure_n_fields(structure); ++i) {
      const char* field = gst_structure_nth_field_name(structure, static_cast<guint>(i));
      EXPECT_NE(document.find("`" + std::string(field) + "`"), std::string::npos) << gst_structure_get_name(structure) << "." << field;
    }
  }
};

TEST_F(Documentation, PropertyTablesAreTheElementsOwn) {
  std::string document = read_text(document_path());
  bool changed = false;
  for (const char* name : kElements) {
    const std::string begin = "<!-- properties of " + std::string(name) + " -->\n", end = "<!-- end -->";
    const auto from = document.find(begin);
    ASSERT_NE(from, std::string::npos) << name;
    const auto start = from + begin.size(), stop = document.find(end, start);
    ASSERT_NE(stop, std::string::npos) << name;
    const std::string table = table_of(name);
    if (document.substr(start, stop - start) == table) continue;
    if (std::getenv("FMPN_UPDATE_DOCS") != nullptr) {
      document.replace(start, stop - start, table);
      changed = true;
    } else {
      ADD_FAILURE() << name << " says of itself (FMPN_UPDATE_DOCS=1 writes it to docs/elements.md):\n" << table;
    }
  }
  if (changed) write_text(document_path(), document);
}

TEST_F(Documentation, NamesEveryFieldOfMetadataMessagesAndEvents) {
  const std::string document = read_text(document_path());
  Harness h("fmpnalign ! fmpnmask ! fmpnclassify");
  const auto info = video_info("I420", photo_.cols, photo_.rows);
  h.caps(info);
  const auto out = h.push(make_buffer(photo_, info));
  ASSERT_TRUE(out);
  auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
  ASSERT_NE(region, nullptr);
  for (GList* item = region->params; item != nullptr; item = item->next) {
    const auto* param = static_cast<GstStructure*>(item->data);
    EXPECT_NE(document.find("`" + std::string(gst_structure_get_name(param)) + "`"), std::string::npos) << gst_structure_get_name(param);
    expect_named(document, param);
  }
  gst_harness_push_event(h.get(), gst_event_new_eos());
  std::set<std::string> names;
  while (GstMessage* message = h.message(GST_MESSAGE_ELEMENT)) {
    const GstStructure* structure = gst_message_get_structure(message);
    names.insert(gst_structure_get_name(structure));
    expect_named(document, structure);
    const bool last = gst_structure_has_name(structure, "fmpn-stats") && names.size() == 2;
    gst_message_unref(message);
    if (last) break;
  }
  for (const char* name : {"fmpn-expression", "fmpn-stats"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
    EXPECT_NE(document.find("`" + std::string(name) + "`"), std::string::npos) << name;
  }
  bool model_event = false;
  while (GstEvent* event = gst_harness_try_pull_event(h.get())) {
    if (gst_event_has_name(event, "fmpn-model")) {
      model_event = true;
      expect_named(document, gst_event_get_structure(event));
    }
    gst_event_unref(event);
  }
  EXPECT_TRUE(model_event);
}

TEST_F(Documentation, EveryElementHasASectionWithALaunchLine) {
  const std::string document = read_text(document_path());
  for (const char* name : kElements) {
    const auto section = document.find("\n## " + std::string(name) + "\n");
    ASSERT_NE(section, std::string::npos) << name;
    const auto next = document.find("\n## ", section + 4);
    EXPECT_NE(document.substr(section, next - section).find("gst-launch-1.0"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace fmpn::test
