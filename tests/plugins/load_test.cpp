#include <fstream>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace {

bool torch_is_loaded() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("libtorch") != std::string::npos) return true;
  return false;
}

TEST(Loading, AlignOverlayAndRecordDoWithoutTorch) {
  for (const char* name : {"fmpnalign", "fmpnoverlay", "fmpnrecord"}) {
    GstElement* element = gst_element_factory_make(name, nullptr);
    ASSERT_NE(element, nullptr) << name;
    EXPECT_FALSE(torch_is_loaded()) << name;
    gst_object_unref(element);
  }
  GstElement* element = gst_element_factory_make("fmpnclassify", nullptr);
  ASSERT_NE(element, nullptr);
  EXPECT_TRUE(torch_is_loaded()) << "else this test sees nothing";
  gst_object_unref(element);
}

}  // namespace
