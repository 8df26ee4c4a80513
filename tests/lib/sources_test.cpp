// The layers of docs and design: lib and train never see GStreamer, public headers show std types only.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {
namespace fs = std::filesystem;

class Sources : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("FMPN_SOURCE_ROOT");
    if (root == nullptr) GTEST_SKIP() << "FMPN_SOURCE_ROOT is not set (run through meson test)";
    root_ = root;
  }

  /// Lines under `folder` that match, as file:line text; what stands behind // is left out.
  std::vector<std::string> matches(const std::string& folder, const std::string& pattern) {
    const std::regex wanted(pattern);
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
      const auto suffix = entry.path().extension();
      if (suffix != ".h" && suffix != ".cpp") continue;
      ++files_;
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        const std::string code = line.substr(0, line.find("//"));
        if (std::regex_search(code, wanted)) found.push_back(entry.path().string() + ":" + std::to_string(number) + " " + line);
      }
    }
    return found;
  }

  fs::path root_;
  int files_ = 0;
};

TEST_F(Sources, LibAndTrainDoNotSeeGStreamer) {
  EXPECT_EQ(matches("lib", R"(#\s*include\s*[<"](gst|glib|gio|gobject)\b)"), std::vector<std::string>{});
  EXPECT_GT(files_, 30);
  EXPECT_EQ(matches("train", R"(#\s*include\s*[<"](gst|glib|gio|gobject)\b)"), std::vector<std::string>{});
}

TEST_F(Sources, PublicHeadersNameStdTypesOnly) {
  EXPECT_EQ(matches("lib/include", R"(\b(torch|c10|at|cv|dlib)\s*::)"), std::vector<std::string>{});
  EXPECT_EQ(matches("lib/include", R"(#\s*include\s*[<"](torch|ATen|c10|opencv|dlib|gst|nlohmann|core/|nn/|runtime/))"),
            std::vector<std::string>{});
  EXPECT_GT(files_, 9);
}

TEST_F(Sources, TheSearchFindsWhatIsThere) {
  EXPECT_FALSE(matches("lib/nn", R"(\btorch\s*::)").empty());
  EXPECT_FALSE(matches("lib/core", R"(#\s*include\s*[<"]opencv)").empty());
}

}  // namespace
