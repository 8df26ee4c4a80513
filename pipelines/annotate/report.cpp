#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <vector>

#include <gio/gio.h>

#include <fmpn/error.h>

#include "files/json_text.h"
#include "files/whole_file.h"
#include "report_resources.h"

namespace fmpn::annotate {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostFaces = 40;              ///< on one page, with chart and figures; the rest is in summary.json
constexpr std::uintmax_t kEmbedAtMost = 32U << 20;  ///< bytes of video that `auto` puts into the page

std::string resource(const char* name) {
  const std::string path = std::string("/fmpn/report/") + name;
  GError* error = nullptr;
  GBytes* bytes = g_resource_lookup_data(fmpn_report_get_resource(), path.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  if (bytes == nullptr) {
    const std::string what = error->message;
    g_error_free(error);
    throw Error(ErrorCode::kRuntime, what);
  }
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  std::string text(data, size);
  g_bytes_unref(bytes);
  return text;
}

/// As the content of a script element: nothing in it can end the element.
std::string embeddable(const Json& json) {
  const std::string text = json_text(json);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) c == '<' ? safe += "\\u003c" : safe += c;
  return safe;
}

std::string base64_of_file(const std::string& path) {
  const std::string bytes = read_whole(path);
  gchar* text = g_base64_encode(reinterpret_cast<const guchar*>(bytes.data()), bytes.size());
  std::string result = text;
  g_free(text);
  return result;
}

/// Fills a page's {{places}}, in one pass: what is put in is not looked at again.
std::string filled(const std::string& page, const std::vector<std::pair<std::string, std::string>>& places) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t open = page.find("{{", at);
    const std::size_t close = open == std::string::npos ? open : page.find("}}", open);
    if (close == std::string::npos) return out + page.substr(at);
    out += page.substr(at, open - at);
    const std::string name = page.substr(open + 2, close - open - 2);
    const auto found = std::find_if(places.begin(), places.end(), [&](const auto& place) { return place.first == name; });
    if (found == places.end()) throw Error(ErrorCode::kRuntime, "the report's page has an unknown place " + name);
    out += found->second;
    at = close + 2;
  }
}

/// The scripts of a kind of page, in the order in which they need each other.
std::string scripts_of(const std::string& kind) {
  std::string text = resource("format.js");
  if (kind != "overall") text += resource("one.js");
  return text + resource((kind + ".js").c_str());
}

std::string page(const char* kind, const std::string& title, const Json& data, const std::string& media) {
  gchar* escaped = g_markup_escape_text(title.c_str(), -1);
  const std::string heading = escaped;
  g_free(escaped);
  return filled(resource("page.html"),
                {{"kind", kind},
                 {"title", heading},
                 {"style", resource("uPlot.min.css") + resource("report.css")},
                 {"licence", resource("LICENSE")},
                 {"library", resource("uPlot.iife.min.js")},
                 {"data", embeddable(data)},
                 {"media", media},
                 {"script", scripts_of(kind)}});
}

/// Faces by time in the picture, the longest first.
std::vector<int> faces_to_show(const Summary& summary) {
  std::vector<int> ids;
  for (const auto& [id, face] : summary.faces()) ids.push_back(id);
  std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) { return summary.faces().at(a).seconds > summary.faces().at(b).seconds; });
  if (ids.size() > kMostFaces) ids.resize(kMostFaces);
  return ids;
}

/// An input's summary with the faces that its page shows: a crowd's other thousands would be more than a browser holds.
Json figures_of(const Json& summary, const std::vector<int>& shown) {
  Json figures = Json::object();
  for (const auto& [key, value] : summary.items())
    if (key != "faces") figures[key] = value;
  figures["face_count"] = summary.at("faces").size();
  figures["faces"] = Json::array();
  for (const Json& face : summary.at("faces"))
    if (std::find(shown.begin(), shown.end(), face.at("id").get<int>()) != shown.end()) figures["faces"].push_back(face);
  return figures;
}

/// A face's chart: bin numbers, when the last frame of each ends in milliseconds, and a row of probabilities in thousandths for each class.
Json chart_of(const std::map<int, Timeline::Bin>& bins, std::size_t classes) {
  Json chart{{"bins", Json::array()}, {"ends", Json::array()}, {"p", Json::array()}};
  for (std::size_t c = 0; c < classes; ++c) chart["p"].push_back(Json::array());
  for (const auto& [number, bin] : bins) {
    chart["bins"].push_back(number);
    chart["ends"].push_back(std::lround(1000 * bin.end));
    for (std::size_t c = 0; c < classes && c < bin.sum.size(); ++c)
      chart["p"][c].push_back(static_cast<int>(std::lround(1000 * bin.sum[c] / bin.frames)));
  }
  return chart;
}

const char* mime_of(const std::string& path) {
  const std::string suffix = fs::path(path).extension().string();
  if (suffix == ".webm") return "video/webm";
  if (suffix == ".mkv") return "video/x-matroska";
  return suffix == ".jpg" ? "image/jpeg" : "video/mp4";
}

}  // namespace

bool report_is_built() { return true; }

void write_input_report(const std::string& path, const Json& json, const Summary& summary, const Thumbnails* thumbnails,
                        const std::string& video, ReportVideo mode) {
  const std::vector<int> shown = faces_to_show(summary);
  Json data = figures_of(json, shown);
  data["bin_seconds"] = summary.timeline().bin_seconds();
  data["charts"] = Json::array();
  for (const int id : shown) {
    const auto bins = summary.timeline().faces().find(id);
    Json chart =
        chart_of(bins == summary.timeline().faces().end() ? std::map<int, Timeline::Bin>() : bins->second, summary.classes().size());
    chart["id"] = id;
    chart["thumbnail"] = thumbnails != nullptr ? thumbnails->jpeg_base64(id) : "";
    data["charts"].push_back(std::move(chart));
  }
  std::string media;
  if (!video.empty()) {
    const bool embed = mode == ReportVideo::kEmbed || (mode == ReportVideo::kAuto && fs::file_size(video) <= kEmbedAtMost);
    data["media"] = {{"mime", mime_of(video)}, {"file", fs::path(video).filename().string()}, {"embedded", embed}};
    if (embed) media = base64_of_file(video);
  }
  write_whole(path, page(json.at("image").get<bool>() ? "picture" : "input", json.at("name").get<std::string>(), data, media), true);
}

void write_overall_report(const std::string& path, const Json& json) {
  write_whole(path, page("overall", "Annotated recordings", json, ""), true);
}

}  // namespace fmpn::annotate
