// The report's pages as files; how they look is for report_in_browser.py.
#include <filesystem>

#include <gtest/gtest.h>

#include "report.h"
#include "temporary_folder.h"

namespace fmpn::annotate {
namespace {

using test::read_text;
using test::TemporaryFolder;
using test::write_text;
using Json = nlohmann::ordered_json;

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!report_is_built()) GTEST_SKIP() << "this build is without the report";
  }

  /// A second of a hundred frames; in each, twenty faces more are there, and stay: of 2000 faces the last twenty for the whole second.
  static Summary crowd() {
    Summary summary;
    for (int frame = 0; frame < 100; ++frame) {
      record::FrameRecord one;
      one.timestamp = 0.01 * frame;
      one.duration = 0.01;
      for (int id = 2000 - 20 * (frame + 1) + 1; id <= 2000; ++id) {
        record::FaceRecord face;
        face.id = id;
        face.label = "anger";
        face.distribution = {{"anger", 1.0}};
        one.faces.push_back(face);
      }
      summary.add(one);
    }
    summary.finish();
    return summary;
  }

  /// The data of the page that is written for a summary.
  Json page_of(const Summary& summary, const std::string& video = "", ReportVideo mode = ReportVideo::kAuto) const {
    Json json{{"version", "0"}, {"name", "film"}, {"image", false}};
    json.update(summary_json(summary));
    write_input_report(folder_.file("report.html"), json, summary, nullptr, video, mode);
    const std::string text = read_text(folder_.file("report.html"));
    const std::size_t start = text.find(">", text.find("id=\"data\"")) + 1;
    return Json::parse(text.substr(start, text.find("</script>", start) - start));
  }

  const TemporaryFolder folder_;
};

TEST_F(ReportTest, ACrowdsPageHasTheFacesWithTheMostTime) {
  const Json page = page_of(crowd());
  EXPECT_EQ(page.at("face_count"), 2000);
  ASSERT_EQ(page.at("faces").size(), 40U);
  ASSERT_EQ(page.at("charts").size(), 40U);
  for (const Json& face : page.at("faces")) EXPECT_GT(face.at("id"), 1960);
}

TEST_F(ReportTest, AFilmIsInThePageUpToALimitOrAsWished) {
  const std::string video = folder_.file("film.mp4");
  const auto embedded = [&](std::uintmax_t bytes, ReportVideo mode) {
    write_text(video, "");
    std::filesystem::resize_file(video, bytes);
    return page_of({}, video, mode).at("media").at("embedded").get<bool>();
  };
  EXPECT_TRUE(embedded(32U << 20, ReportVideo::kAuto));
  EXPECT_FALSE(embedded((32U << 20) + 1, ReportVideo::kAuto));
  EXPECT_TRUE(embedded((32U << 20) + 1, ReportVideo::kEmbed));
  EXPECT_FALSE(embedded(1, ReportVideo::kLink));
}

}  // namespace
}  // namespace fmpn::annotate
